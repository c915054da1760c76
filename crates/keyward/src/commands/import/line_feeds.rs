//! CRLF as LF. The CSV reader counts line feeds, and takes the one of a CRLF for the beginning of the next line: behind it every
//! line would be told one too low.

use std::io::{self, BufRead, Read};

/// A text whose lines end with LF alone; a CR on its own stays.
pub(super) struct LineFeeds<R> {
    input: R,
    /// A CR was read, and it is not known yet what follows it.
    held: bool,
}

impl<R: BufRead> LineFeeds<R> {
    pub(super) const fn of(input: R) -> Self {
        Self { input, held: false }
    }
}

impl<R: BufRead> Read for LineFeeds<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (room, mut written) = (out.len(), 0);
        let mut slots = out.iter_mut();
        // A part that holds nothing but a CR gives nothing, and nothing is what the end looks like: so once more.
        while written == 0 && room > 0 {
            let part = self.input.fill_buf()?;
            let (mut used, ended) = (0, part.is_empty());
            // At the end a CR that is held comes out, as if something else followed it.
            for next in part.iter().map(|byte| Some(*byte)).chain(ended.then_some(None)) {
                if self.held && next != Some(b'\n') {
                    let Some(slot) = slots.next() else { break };
                    *slot = b'\r';
                    written += 1;
                    self.held = false;
                }
                let Some(byte) = next else { break };
                if byte == b'\r' {
                    self.held = true;
                } else {
                    let Some(slot) = slots.next() else { break };
                    *slot = byte;
                    written += 1;
                    self.held = false;
                }
                used += 1;
            }
            self.input.consume(used);
            if ended {
                break;
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn a_crlf_is_a_line_feed_wherever_the_parts_meet_and_a_cr_alone_stays() {
        let text = b"a\r\nb\rc\r\r\n\r\n\nd\r";
        for part in 1..=text.len() {
            for room in 1..=text.len() {
                let mut reader = LineFeeds::of(BufReader::with_capacity(part, text.as_slice()));
                let mut read = Vec::new();
                let mut out = vec![0; room];
                loop {
                    match reader.read(&mut out).unwrap() {
                        0 => break,
                        count => read.extend_from_slice(&out[..count]),
                    }
                }
                assert_eq!(read, b"a\nb\rc\r\n\n\nd\r", "parts of {part}, room for {room}");
            }
        }
    }
}
