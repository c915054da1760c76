//! A password comes from a prompt, where it is typed twice, or from standard input. The rule: it comes from nowhere else.

use crate::{cli::PasswordSource, output::CommandError};
use secrecy::SecretString;
use std::io::{BufRead, IsTerminal, stdin};
use zeroize::{Zeroize, Zeroizing};

/// The longest line that is read. No password may be that long, so the policy reports a longer one.
const LONGEST_LINE: u64 = 8 * 1024;

/// Prompts for a new password, or reads it from standard input.
pub(super) fn ask(source: PasswordSource) -> Result<SecretString, CommandError> {
    if source.password_stdin {
        return from_line(stdin().lock());
    }
    if !stdin().is_terminal() {
        return Err(CommandError::Usage(
            "a password is required and there is no terminal to prompt at: pipe it in with --password-stdin"
                .to_owned(),
        ));
    }
    let failed = |error: std::io::Error| CommandError::Failed(format!("the password can't be read: {error}"));
    let first = Zeroizing::new(rpassword::prompt_password("New password: ").map_err(failed)?);
    let second = Zeroizing::new(rpassword::prompt_password("Repeat new password: ").map_err(failed)?);
    if first == second {
        Ok(SecretString::from(first.as_str()))
    } else {
        Err(CommandError::Failed(
            "the passwords do not match; nothing was changed".to_owned(),
        ))
    }
}

/// Reads the first line, without its line end. Blanks are part of the password.
fn from_line(input: impl BufRead) -> Result<SecretString, CommandError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_LINE as usize));
    let failed =
        |error: std::io::Error| CommandError::Failed(format!("standard input can't be read: {error}"));
    input
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut bytes)
        .map_err(failed)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        return Err(CommandError::Usage(
            "standard input has no password on its first line".to_owned(),
        ));
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(SecretString::from(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(CommandError::Failed(
                "the password on standard input is not UTF-8".to_owned(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        for (input, password) in [
            ("a b \n", "a b "),
            ("x\r\ny\n", "x"),
            ("no end", "no end"),
            ("tab\t\n", "tab\t"),
        ] {
            assert_eq!(from_line(input.as_bytes()).unwrap().expose_secret(), password);
        }
    }

    #[test]
    fn no_line_and_no_text_are_refused() {
        assert_eq!(from_line(&b"\n"[..]).unwrap_err().exit_code(), 2);
        assert_eq!(from_line(&b""[..]).unwrap_err().exit_code(), 2);
        assert_eq!(from_line(&b"\xff\xfe\n"[..]).unwrap_err().exit_code(), 1);
    }
}
