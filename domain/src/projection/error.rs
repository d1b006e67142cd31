/// A rule of the record that a command would break. There is none: it takes everything down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {}
