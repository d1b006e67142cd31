use std::cmp::Ordering;

use uuid::Uuid;

/// A value of a column or of a parameter. NULLs have a type, since `PostgreSQL` asks for one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// 64 bits; instants are microseconds since 1970.
    Int(Option<i64>),
    /// UTF-8, compared byte by byte.
    Text(Option<Box<str>>),
    /// A UUID, compared byte by byte.
    Id(Option<Uuid>),
    /// Bytes.
    Blob(Option<Box<[u8]>>),
}

impl Value {
    /// Whether it is a NULL of its type.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(
            self,
            Self::Id(None) | Self::Text(None) | Self::Int(None) | Self::Blob(None)
        )
    }

    /// In the order of the databases: what stands on `SQLite` where an id should be is sorted among ids by its bytes, and
    /// text before them.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self.bytes(), other.bytes()) {
            (Some(left), Some(right)) => left.cmp(right),
            _ => self.cmp(other),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Id(Some(id)) => Some(id.as_bytes()),
            Self::Blob(Some(blob)) => Some(blob),
            Self::Id(None) | Self::Blob(None) | Self::Int(_) | Self::Text(_) => None,
        }
    }

    /// Whether the other is of the same type.
    #[must_use]
    pub const fn is_like(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Id(_), Self::Id(_))
                | (Self::Text(_), Self::Text(_))
                | (Self::Int(_), Self::Int(_))
                | (Self::Blob(_), Self::Blob(_))
        )
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text.into()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(Into::into))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(Into::into))
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(Some(int))
    }
}

impl From<Option<i64>> for Value {
    fn from(int: Option<i64>) -> Self {
        Self::Int(int)
    }
}

impl From<u32> for Value {
    fn from(int: u32) -> Self {
        Self::Int(Some(int.into()))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

/// A number beyond 63 bits becomes the largest one: positions and counts do not get there.
impl From<u64> for Value {
    fn from(int: u64) -> Self {
        Self::Int(Some(i64::try_from(int).unwrap_or(i64::MAX)))
    }
}

impl From<doorbook_domain::time::Timestamp> for Value {
    fn from(at: doorbook_domain::time::Timestamp) -> Self {
        Self::Int(Some(at.micros()))
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Id(Some(id))
    }
}

impl From<Option<Uuid>> for Value {
    fn from(id: Option<Uuid>) -> Self {
        Self::Id(id)
    }
}
