//! Lines of a file of any size.

use std::{io, path::Path};

use tokio::{
    fs::File,
    io::{AsyncBufReadExt as _, BufReader},
};

/// Longest line, in bytes. The longest hash has 4,096.
const LONGEST: usize = 16 * 1024;

/// A line and its number, or why it cannot be read.
pub(super) type Numbered = (u64, Result<String, String>);

/// Lines, numbered from 1. Empty ones count and are passed over.
pub(super) struct Lines {
    input: BufReader<File>,
    length: u64,
    number: u64,
    read: u64,
}

impl Lines {
    /// Opens the file; `-` is standard input.
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        let path = if path == Path::new("-") {
            Path::new("/dev/stdin")
        } else {
            path
        };
        let file = File::open(path).await?;
        let length = file.metadata().await?.len();
        Ok(Self {
            input: BufReader::new(file),
            length,
            number: 0,
            read: 0,
        })
    }

    /// Bytes of the file; 0 where nobody knows.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Bytes read.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// The next lines; none at the end.
    pub(super) async fn batch(&mut self, most: usize) -> io::Result<Vec<Numbered>> {
        let mut batch = Vec::new();
        while batch.len() < most {
            let Some(line) = self.next().await? else { break };
            self.number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let text = if line.len() > LONGEST {
                Err(format!("is longer than {LONGEST} bytes"))
            } else {
                String::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())
            };
            batch.push((self.number, text));
        }
        Ok(batch)
    }

    /// A line without its end. Of one that is too long only the beginning is kept.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (mut line, mut any) = (Vec::new(), false);
        loop {
            let buffer = self.input.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(any.then_some(line));
            }
            any = true;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            if line.len() <= LONGEST {
                line.extend(buffer.iter().take(end.unwrap_or(used)));
            }
            self.input.consume(used);
            self.read += u64::try_from(used).unwrap_or(u64::MAX);
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}
