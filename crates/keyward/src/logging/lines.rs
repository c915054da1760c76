//! The thread that writes the log. The rule: whoever logs never waits for whoever reads the log. A reader that is too slow for
//! too long loses lines, and finds in their place how many.

use std::{
    io::{self, BufWriter, Write},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// How many lines may wait: a quarter of a second's at thirty thousand requests a second.
const WAITING: usize = 8_192;
/// How long lines gather before they are written. A thread that is woken for each line costs more than the line.
const GATHER: Duration = Duration::from_millis(5);
/// How much is written at once, in bytes: about two hundred lines.
const AT_ONCE: usize = 64 * 1024;

/// A writer for lines, and the guard that writes out what waits when it is dropped.
pub(super) fn to(reader: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    let lost = Arc::new(OnceLock::new());
    let told = Told {
        reader: BufWriter::with_capacity(AT_ONCE, reader),
        lost: Arc::clone(&lost),
        told: 0,
    };
    let (lines, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("log")
        .finish(told);
    let _first = lost.set(lines.error_counter());
    (lines, guard)
}

/// Passes lines on, and says how many were lost. The thread flushes it each time that no line waits.
struct Told<W: Write> {
    reader: BufWriter<W>,
    lost: Arc<OnceLock<ErrorCounter>>,
    told: usize,
}

impl<W: Write> Write for Told<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.reader.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost > self.told {
            let lines = lost - self.told;
            writeln!(
                self.reader,
                "keyward: lines of the log that were lost, its reader being too slow: {lines}"
            )?;
            self.told = lost;
        }
        self.reader.flush()?;
        thread::sleep(GATHER);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{Mutex, mpsc},
        time::Instant,
    };

    /// Takes nothing until it is let go.
    struct Slow {
        began: mpsc::Sender<()>,
        go_on: mpsc::Receiver<()>,
        read: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.began.send(());
            let _ = self.go_on.recv();
            self.read.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_too_slow_is_told_how_many_lines_it_lost_and_holds_nobody_up() {
        let ((began, has_begun), (let_go, go_on)) = (mpsc::channel(), mpsc::channel());
        let read = Arc::new(Mutex::new(Vec::new()));
        let (mut lines, guard) = to(Slow {
            began,
            go_on,
            read: Arc::clone(&read),
        });
        lines.write_all(b"first\n").unwrap();
        has_begun.recv().unwrap();
        for _ in 0..WAITING + 3 {
            lines.write_all(b"more\n").unwrap();
        }
        drop(let_go);
        let so_far = || String::from_utf8(read.lock().unwrap().clone()).unwrap();
        let begun = Instant::now();
        while !so_far().ends_with("too slow: 3\n") {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is told");
            thread::yield_now();
        }
        assert_eq!(so_far().matches("more").count(), WAITING);
        drop(guard);
    }
}
