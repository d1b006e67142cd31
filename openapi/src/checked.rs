//! Parameters that are all looked at before one of them is refused.

use std::iter;

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchemaRef},
};

use crate::{
    app::{FieldError, PageRequest},
    known,
    param::{self, Cursor, FromQuery, Limit},
    problem::Problem,
};

/// A parameter in the query, or what is wrong with it; and, with the first of an operation, those that it does not have.
pub(crate) struct Checked<T> {
    read: Result<T, FieldError>,
    unknown: Vec<FieldError>,
}

impl<'a, T: FromQuery> ApiExtractor<'a> for Checked<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = T::REQUIRED;

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(T::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self::of(request, options.name))
    }
}

impl<T: FromQuery> Checked<T> {
    /// The parameter of that name.
    pub(crate) fn of(request: &Request, name: &str) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self {
            read: param::read::<T>(query, name),
            unknown: known::unknown(request, name),
        }
    }

    /// The value, where nothing is wrong.
    ///
    /// # Errors
    ///
    /// `invalid`.
    pub(crate) fn settled(self) -> Result<T, Problem> {
        match self.read {
            Ok(value) if self.unknown.is_empty() => Ok(value),
            Ok(_) => Err(Problem::invalid(self.unknown)),
            Err(error) => Err(Problem::invalid(iter::once(error).chain(self.unknown).collect())),
        }
    }
}

/// What is wrong with the parameters of a request.
#[derive(Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    /// The value; nothing where something is wrong with it, which is kept in mind.
    pub(crate) fn take<T>(&mut self, checked: Checked<T>) -> Option<T> {
        let value = checked.read.map_err(|error| self.0.push(error)).ok();
        self.0.extend(checked.unknown);
        value
    }

    /// The page of a list.
    pub(crate) fn page(&mut self, cursor: Checked<Cursor>, limit: Checked<Limit>) -> PageRequest {
        PageRequest {
            cursor: self.take(cursor).and_then(|cursor| cursor.0),
            limit: self.take(limit).map_or(1, |limit| limit.0),
        }
    }

    /// Finds fault with a parameter.
    pub(crate) fn add(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Refuses the request if anything is wrong.
    ///
    /// # Errors
    ///
    /// `invalid`, with every finding.
    pub(crate) fn settle(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }
}

/// The page of a list that has no other parameters.
///
/// # Errors
///
/// `invalid`, with every finding.
pub(crate) fn page(cursor: Checked<Cursor>, limit: Checked<Limit>) -> Result<PageRequest, Problem> {
    let mut findings = Findings::default();
    let page = findings.page(cursor, limit);
    findings.settle()?;
    Ok(page)
}
