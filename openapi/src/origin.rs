//! From which page a request comes: `Origin` and `Sec-Fetch-Site`.

use poem::{
    Request, RequestBody,
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, REFERER,
        },
    },
};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::{
    app::Settings,
    gate::Visit,
    problem::{Kind, Problem},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The own origin and those that may call.
pub(crate) struct Origins {
    own: String,
    allowed: Vec<HeaderValue>,
    request_headers: HeaderValue,
}

/// What the headers say about the page.
enum Page<'a> {
    Unsaid,
    Own,
    Allowed(&'a HeaderValue),
    Foreign,
}

impl Origins {
    pub(crate) fn new(settings: &Settings) -> Self {
        let request_headers = format!("content-type, {}", settings.csrf_header.to_ascii_lowercase());
        Self {
            own: settings.public_url.clone(),
            allowed: settings
                .allowed_origins
                .iter()
                .filter_map(|origin| HeaderValue::try_from(origin).ok())
                .collect(),
            request_headers: HeaderValue::try_from(request_headers).unwrap_or(HeaderValue::from_static("content-type")),
        }
    }

    fn page(&self, headers: &HeaderMap) -> Page<'_> {
        let mut sent = headers.get_all(ORIGIN).into_iter();
        match (sent.next(), sent.next()) {
            (None, _) => Page::Unsaid,
            (Some(origin), None) if origin == self.own.as_str() => Page::Own,
            (Some(origin), None) => {
                let listed = self.allowed.iter().find(|allowed| *allowed == origin);
                listed.map_or(Page::Foreign, Page::Allowed)
            }
            (Some(_), Some(_)) => Page::Foreign,
        }
    }

    /// Lets a state-changing request pass from the own origin, from a listed one, and from what is no browser.
    ///
    /// # Errors
    ///
    /// `origin-refused`, which names `http.public_url`: the usual cause is 127.0.0.1 against localhost.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        let passes = match self.page(headers) {
            Page::Allowed(_) => true,
            Page::Own | Page::Unsaid => matches!(site, None | Some(b"same-origin" | b"none")),
            Page::Foreign => false,
        };
        if passes {
            return Ok(());
        }
        let detail = format!(
            "This service is known as {} (`http.public_url`), and the page that asks is at another origin. Open the page \
             there, or list its origin in `http.allowed_origins`; 127.0.0.1 and localhost are two origins.",
            self.own
        );
        Err(Problem::new(Kind::OriginRefused).detail(detail))
    }

    /// Lets a navigation that begins something pass as [`Self::check`] would, were there an `Origin`: other hosts of the same
    /// site may be somebody else's, so a listed one must show by its `Referer`.
    ///
    /// # Errors
    ///
    /// `origin-refused`.
    pub(crate) fn check_navigation(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let passes = match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => true,
            Some(b"same-site") => headers.get(REFERER).is_some_and(|referer| self.lists(referer)),
            Some(_) => false,
        };
        if passes {
            return Ok(());
        }
        let detail =
            "Begin on a page of this service, or of an origin in `http.allowed_origins` that sends its `Referer`.";
        Err(Problem::new(Kind::OriginRefused).detail(detail))
    }

    /// Whether a URL is of a listed origin.
    fn lists(&self, url: &HeaderValue) -> bool {
        let url = url.as_bytes();
        self.allowed.iter().any(|origin| {
            let rest = url.strip_prefix(origin.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }

    /// Tells the browser that the page of a listed origin may read the answer.
    pub(crate) fn grant(origin: HeaderValue, answer: &mut HeaderMap) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        let exposed = HeaderValue::from_static("Retry-After, X-Request-Id");
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }

    /// The listed origin that the request names.
    pub(crate) fn granted(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        match self.page(asked) {
            Page::Allowed(origin) => Some(origin.clone()),
            Page::Unsaid | Page::Own | Page::Foreign => None,
        }
    }

    /// What a preflight from a listed origin is told.
    pub(crate) fn preflight(&self, allow: &HeaderValue, answer: &mut HeaderMap) {
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.request_headers.clone());
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

/// Says that a page of this service, a listed one or no page sent the browser here: a navigation that begins something must
/// be wished for.
pub(crate) struct OwnPage;

impl<'a> ApiExtractor<'a> for OwnPage {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn security_schemes() -> Vec<&'static str> {
        Vec::new()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Visit::of(request)?.gate.origins.check_navigation(request.headers())?;
        Ok(Self)
    }
}
