//! Sends one command over a socket of its own (protocol RESP 2), so that a test inspects a server independently of the code under
//! test.

use std::io::{Error, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A type that an answer can be read as.
pub(crate) trait FromReply {
    /// Converts the answer's values, in order. An array is its elements, and nil is no value.
    fn from_reply(values: Vec<String>) -> Self;
}

impl FromReply for () {
    fn from_reply(_: Vec<String>) {}
}

impl FromReply for Vec<String> {
    fn from_reply(values: Vec<String>) -> Self {
        values
    }
}

impl FromReply for String {
    fn from_reply(values: Vec<String>) -> Self {
        values.concat()
    }
}

impl FromReply for i64 {
    fn from_reply(values: Vec<String>) -> Self {
        values.concat().parse().unwrap()
    }
}

impl FromReply for u16 {
    fn from_reply(values: Vec<String>) -> Self {
        values.concat().parse().unwrap()
    }
}

impl FromReply for (String, u16) {
    fn from_reply(values: Vec<String>) -> Self {
        let [first, second] = values.try_into().unwrap();
        (first, second.parse().unwrap())
    }
}

/// Sends an inline command to a port of this machine and reads the answer's values.
pub(crate) async fn ask(port: u16, command: &str) -> Result<Vec<String>> {
    let mut server = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    server.write_all(format!("{command}\r\n").as_bytes()).await?;
    let mut values = Vec::new();
    let mut left = 1_usize;
    while left > 0 {
        left -= 1;
        let mut line = String::new();
        server.read_line(&mut line).await?;
        let (kind, rest) = line
            .trim_end()
            .split_at_checked(1)
            .ok_or_else(|| Error::other("no answer"))?;
        match kind {
            "+" | ":" => values.push(rest.to_owned()),
            "$" => values.extend(bulk(&mut server, rest).await?),
            "*" => left += rest.parse::<usize>().map_err(Error::other)?,
            _ => return Err(Error::other(rest)),
        }
    }
    Ok(values)
}

async fn bulk(server: &mut BufReader<TcpStream>, length: &str) -> Result<Option<String>> {
    // A negative length is nil.
    let Ok(length) = length.parse::<usize>() else {
        return Ok(None);
    };
    let mut bytes = vec![0; length + 2];
    server.read_exact(&mut bytes).await?;
    bytes.truncate(length);
    String::from_utf8(bytes).map(Some).map_err(Error::other)
}
