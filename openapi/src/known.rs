//! Which parameters an operation has in the query: a misspelt one must not read as "everything".

use std::{collections::HashMap, sync::Arc};

use poem::{Request, http::Method};
use poem_openapi::{OpenApi as _, registry::MetaParamIn};
use url::form_urlencoded;

use crate::{app::FieldError, operations::Operations, problem::field_error};

/// Identity providers call these, with more parameters than are known: RFC 6749, section 4.1.2, has clients ignore those.
const TOLERANT: [&str; 2] = ["completeSocialLoginByQuery", "finishSocialRedirect"];
/// Most unknown parameters that are named: an answer must not be many times what was sent.
const MOST_ERRORS: usize = 20;

/// The parameters of one operation, in the order in which they are read.
#[derive(Clone)]
pub(crate) struct Known(Arc<[String]>);

/// Those of every operation that has some and minds others, by path and method.
pub(crate) struct Table(HashMap<(String, Method), Known>);

impl Table {
    pub(crate) fn new() -> Self {
        let mut table = HashMap::new();
        for path in Operations::meta().into_iter().flat_map(|api| api.paths) {
            let form = form(&path.path);
            for operation in path.operations {
                let tolerant = operation.operation_id.is_some_and(|id| TOLERANT.contains(&id));
                let params = operation.params.into_iter();
                let names: Vec<String> = params
                    .filter(|param| param.in_type == MetaParamIn::Query)
                    .map(|param| param.name)
                    .collect();
                if !tolerant && !names.is_empty() {
                    table.insert((form.clone(), operation.method), Known(names.into()));
                }
            }
        }
        Self(table)
    }

    /// The parameters of the operation at `path`, however its own parameters are written.
    pub(crate) fn of(&self, path: &str, method: &Method) -> Option<Known> {
        self.0.get(&(form(path), method.clone())).cloned()
    }
}

/// A path without the names in it: `:id` here, `{id}` in the document.
fn form(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| if segment.starts_with([':', '{']) { "*" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// The parameters of the request that its operation does not have. The first parameter, `name`, finds them for all.
pub(crate) fn unknown(request: &Request, name: &str) -> Vec<FieldError> {
    let Some(Known(known)) = request.data::<Known>() else {
        return Vec::new();
    };
    if known.first().is_none_or(|first| first != name) {
        return Vec::new();
    }
    let query = request.uri().query().unwrap_or_default();
    let mut strange: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .map(|(sent, _)| sent)
        .filter(|sent| !known.iter().any(|name| *name == **sent))
        .collect();
    strange.sort_unstable();
    strange.dedup();
    let named = strange.iter().take(MOST_ERRORS);
    named
        .map(|sent| field_error(sent, "unknown", "There is no such parameter."))
        .collect()
}
