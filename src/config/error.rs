//! What is wrong with a configuration.

/// The configuration cannot be used. Each sentence names a key, where its value comes from, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .sentences.join("\n"))]
pub struct ConfigError {
    sentences: Vec<String>,
}

impl ConfigError {
    /// Of one sentence.
    pub(crate) fn one(sentence: String) -> Self {
        Self {
            sentences: vec![sentence],
        }
    }

    /// `Ok` where nothing is wrong.
    pub(crate) fn unless_empty(sentences: Vec<String>) -> Result<(), Self> {
        if sentences.is_empty() {
            Ok(())
        } else {
            Err(Self { sentences })
        }
    }

    /// Everything that is wrong, one sentence each; never empty.
    #[must_use]
    pub fn sentences(&self) -> &[String] {
        &self.sentences
    }
}
