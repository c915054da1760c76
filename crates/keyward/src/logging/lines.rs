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

/// A writer for lines, and the guard that writes out what waits when it is dropped. `what` they are, the note about lost ones
/// says; in JSON, where the lines are.
pub(super) fn to(
    reader: impl Write + Send + 'static,
    what: &'static str,
    json: bool,
) -> (NonBlocking, WorkerGuard) {
    let lost = Arc::new(OnceLock::new());
    let told = Told {
        reader: BufWriter::with_capacity(AT_ONCE, reader),
        what,
        json,
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

/// Standard error, in whole lines: what is written at once comes out at once, whoever else writes to it.
pub(super) struct WholeLines;

impl Write for WholeLines {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(lines)?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Passes lines on, and says in their place how many were lost.
struct Told<W: Write> {
    reader: BufWriter<W>,
    what: &'static str,
    json: bool,
    lost: Arc<OnceLock<ErrorCounter>>,
    told: usize,
}

impl<W: Write> Told<W> {
    fn tell(&mut self) -> io::Result<()> {
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost == self.told {
            return Ok(());
        }
        let (what, lines) = (self.what, lost - self.told);
        self.told = lost;
        let said = format!("{what} were lost, the log's reader being too slow");
        if self.json {
            writeln!(
                self.reader,
                r#"{{"level":"WARN","message":"{said}","lines":{lines}}}"#
            )
        } else {
            writeln!(self.reader, "WARN {said} lines={lines}")
        }
    }
}

impl<W: Write> Write for Told<W> {
    /// The thread writes a line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.tell()?;
        self.reader.write_all(line)?;
        Ok(line.len())
    }

    /// The thread flushes each time that no line waits.
    #[expect(
        clippy::disallowed_methods,
        reason = "the log's own thread, which nobody waits for, lets lines gather"
    )]
    fn flush(&mut self) -> io::Result<()> {
        self.tell()?;
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
        let reader = Slow {
            began,
            go_on,
            read: Arc::clone(&read),
        };
        let (mut lines, guard) = to(reader, "lines of requests", true);
        lines.write_all(b"first\n").unwrap();
        has_begun.recv().unwrap();
        for _ in 0..WAITING + 3 {
            lines.write_all(b"more\n").unwrap();
        }
        drop(let_go);
        let so_far = || String::from_utf8(read.lock().unwrap().clone()).unwrap();
        let begun = Instant::now();
        while so_far().matches("more").count() < WAITING {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "what waits is not written"
            );
            thread::yield_now();
        }
        let note = r#"{"level":"WARN","message":"lines of requests were lost, the log's reader being too slow","lines":3}"#;
        assert!(
            so_far().starts_with(&format!("first\n{note}\nmore\n")),
            "in the place of the lost"
        );
        drop(guard);
    }
}
