//! Files of logins: written as they are read, batch by batch, so that their size does not matter.

mod csv;
mod ocsf;
#[cfg(test)]
mod tests;

use std::io;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use poem::{
    Body, IntoResponse, Response,
    http::{
        HeaderValue,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
};

use crate::{
    audit::{LoginBatches, LoginRecord},
    reply,
};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// For spreadsheets.
    Csv,
    /// One OCSF event a line.
    Ocsf,
}

impl Format {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ndjson, Self::Csv, Self::Ocsf];

    /// Its name: `ndjson`, `csv`, `ocsf`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
        }
    }

    /// Media type and the browser's name for the file. RFC 7111 says that the first line names the columns.
    const fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Ndjson => (NDJSON, "attachment; filename=\"logins.ndjson\""),
            Self::Csv => (
                "text/csv; charset=utf-8; header=present",
                "attachment; filename=\"logins.csv\"",
            ),
            Self::Ocsf => (NDJSON, "attachment; filename=\"logins.ocsf.ndjson\""),
        }
    }

    /// What stands before the first row.
    #[must_use]
    pub fn head(self) -> Bytes {
        match self {
            Self::Csv => csv::head().into(),
            Self::Ndjson | Self::Ocsf => Bytes::new(),
        }
    }

    /// The lines of some rows.
    ///
    /// # Errors
    ///
    /// [`io::Error`] when a row cannot be written as JSON.
    pub fn rows(self, rows: &[LoginRecord]) -> io::Result<Bytes> {
        let mut out = Vec::with_capacity(rows.len() * 512);
        for row in rows {
            match self {
                Self::Csv => csv::row(row, &mut out),
                Self::Ndjson => line(row, &mut out)?,
                Self::Ocsf => line(&ocsf::event(row), &mut out)?,
            }
        }
        Ok(out.into())
    }
}

fn line<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.push(b'\n');
    Ok(())
}

/// Whether an answer of this media type is a stream, which is not read to learn how long it would be.
pub(crate) fn is_file(media_type: &str) -> bool {
    [NDJSON, CSV].iter().any(|known| media_type.starts_with(known))
}

/// A file on its way out.
pub(crate) struct Download {
    format: Format,
    batches: Box<dyn LoginBatches>,
}

impl Download {
    pub(crate) const fn new(format: Format, batches: Box<dyn LoginBatches>) -> Self {
        Self { format, batches }
    }

    /// Where it breaks off, the connection ends without the end of the body: half a file does not look whole.
    fn chunks(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        let format = self.format;
        let rows = stream::unfold(Some(self.batches), move |batches| async move {
            let mut batches = batches?;
            match batches.next().await {
                Ok(None) => None,
                Ok(Some(rows)) => Some((format.rows(&rows), Some(batches))),
                Err(fault) => {
                    tracing::info!(error = fault.cause(), "an export was broken off");
                    Some((Err(io::Error::other("broken off")), None))
                }
            }
        });
        let head = stream::once(async move { Ok(format.head()) });
        head.chain(rows)
            .filter(|chunk| std::future::ready(!matches!(chunk, Ok(bytes) if bytes.is_empty())))
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let (media_type, disposition) = self.format.file();
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
        response.set_body(Body::from_bytes_stream(self.chunks()));
        response
    }
}

impl ApiResponse for Download {
    fn meta() -> MetaResponses {
        let content = |content_type| MetaMediaType {
            content_type,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        reply::one(200, "A file", vec![content(NDJSON), content(CSV)])
    }

    fn register(_: &mut Registry) {}
}
