use serde::{Deserialize, Serialize};

use super::Ended;
use crate::{
    db::Value,
    engine::{Difference, Differs},
};

/// Differing rows that are remembered of a verification.
const REMEMBERED: usize = 100;

/// What came of a run. Which numbers there are follows from its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The generation that a rebuild made current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Up to where the log was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Streams whose rows were folded in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<u64>,
    /// Rows that were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// All rows that differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differing: Option<u64>,
    /// Streams that are parked.
    pub parked: u64,
    /// The first rows that differ, a hundred at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<RowDifference>,
}

/// A row that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDifference {
    /// The table, without its generation.
    pub table: String,
    /// The key of the row.
    pub key: Vec<String>,
    /// `missing`, `extra` or `columns`.
    pub differs: String,
    /// The columns that hold something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl Ended {
    /// What is remembered of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Rebuilt {
                generation,
                position,
                parked,
            } => Outcome {
                generation: Some(*generation),
                position: Some(position.number()),
                parked: *parked,
                ..Outcome::default()
            },
            Self::Refolded { streams, parked } => Outcome {
                streams: Some(*streams),
                parked: *parked,
                ..Outcome::default()
            },
            Self::Verified(report) => Outcome {
                position: Some(report.position.number()),
                rows: Some(report.rows),
                differing: Some(report.differing),
                parked: report.parked,
                differences: report.differences.iter().take(REMEMBERED).map(Into::into).collect(),
                ..Outcome::default()
            },
        }
    }
}

impl From<&Difference> for RowDifference {
    fn from(row: &Difference) -> Self {
        let (differs, columns) = match &row.differs {
            Differs::Missing => ("missing", Vec::new()),
            Differs::Extra => ("extra", Vec::new()),
            Differs::Columns(columns) => ("columns", columns.iter().map(|&name| name.to_owned()).collect()),
        };
        Self {
            table: row.table.to_owned(),
            key: row.key.iter().map(shown).collect(),
            differs: differs.to_owned(),
            columns,
        }
    }
}

/// A part of a key, for people.
fn shown(value: &Value) -> String {
    match value {
        Value::Id(id) => id.map_or_else(|| "null".to_owned(), |id| id.to_string()),
        Value::Text(text) => text.as_deref().unwrap_or("null").to_owned(),
        Value::Int(number) => number.map_or_else(|| "null".to_owned(), |number| number.to_string()),
        Value::Blob(bytes) => format!("{} bytes", bytes.as_ref().map_or(0, |bytes| bytes.len())),
    }
}
