//! The thread that writes the log. The rule: a thread that logs never waits for the reader of the log. A reader that is too slow for too
//! long loses lines, and gets their number instead.

use std::{
    io::{self, BufWriter, Write},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// The maximum number of queued lines: those of a quarter of a second at thirty thousand requests per second.
const QUEUE_LENGTH: usize = 8_192;
/// How long lines are collected before they are written. Waking the thread for each line would cost more than the line.
const GATHER: Duration = Duration::from_millis(5);
/// The size of a write in bytes, about two hundred lines.
const BUFFER_SIZE: usize = 64 * 1024;

/// A writer for lines, and the guard that writes the queued lines when it is dropped. The note about lost lines calls them `what`; it is
/// JSON if the lines are.
pub(super) fn to(
    reader: impl Write + Send + 'static,
    what: &'static str,
    json: bool,
) -> (NonBlocking, WorkerGuard) {
    let lost = Arc::new(OnceLock::new());
    let writer = LossReporter {
        reader: BufWriter::with_capacity(BUFFER_SIZE, reader),
        what,
        json,
        lost: Arc::clone(&lost),
        reported: 0,
    };
    let (lines, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_LENGTH)
        .thread_name("log")
        .finish(writer);
    let _first = lost.set(lines.error_counter());
    (lines, guard)
}

/// Standard error, in whole lines: a write is not interleaved with other writes to it.
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

/// Passes lines on, and reports how many were lost in their place.
struct LossReporter<W: Write> {
    reader: BufWriter<W>,
    what: &'static str,
    json: bool,
    lost: Arc<OnceLock<ErrorCounter>>,
    reported: usize,
}

impl<W: Write> LossReporter<W> {
    fn report_lost(&mut self) -> io::Result<()> {
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost == self.reported {
            return Ok(());
        }
        let (what, lines) = (self.what, lost - self.reported);
        self.reported = lost;
        let message = format!("{what} were lost because the reader of the log is too slow");
        if self.json {
            writeln!(
                self.reader,
                r#"{{"level":"WARN","message":"{message}","lines":{lines}}}"#
            )
        } else {
            writeln!(self.reader, "WARN {message} lines={lines}")
        }
    }
}

impl<W: Write> Write for LossReporter<W> {
    /// The thread writes a line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.report_lost()?;
        self.reader.write_all(line)?;
        Ok(line.len())
    }

    /// The thread flushes whenever the queue is empty.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the log's own thread, for which no other thread waits"
    )]
    fn flush(&mut self) -> io::Result<()> {
        self.report_lost()?;
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

    /// Blocks until `go_on` is dropped.
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
    fn a_reader_that_is_too_slow_gets_the_number_of_lost_lines_and_blocks_no_thread() {
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
        for _ in 0..QUEUE_LENGTH + 3 {
            lines.write_all(b"more\n").unwrap();
        }
        drop(let_go);
        let so_far = || String::from_utf8(read.lock().unwrap().clone()).unwrap();
        let begun = Instant::now();
        while so_far().matches("more").count() < QUEUE_LENGTH {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the queued lines are not written"
            );
            thread::yield_now();
        }
        let note = r#"{"level":"WARN","message":"lines of requests were lost because the reader of the log is too slow","lines":3}"#;
        assert!(
            so_far().starts_with(&format!("first\n{note}\nmore\n")),
            "in the place of the lost lines"
        );
        drop(guard);
    }
}
