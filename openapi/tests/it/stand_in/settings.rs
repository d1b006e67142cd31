use std::{net::IpAddr, time::Duration};

use doorbook_openapi::app::Settings;

pub(crate) fn settings() -> Settings {
    Settings {
        public_url: "http://localhost:8080".to_owned(),
        https: false,
        allowed_origins: vec!["http://localhost:5173".to_owned()],
        login_page: Some("http://localhost:5173/login?from=proxy".to_owned()),
        trusted_proxies: vec![(IpAddr::from([10, 0, 0, 0]), 8)],
        csrf_cookie: "csrftoken".to_owned(),
        csrf_header: "X-CSRFToken".to_owned(),
        csrf_key: [7; 32],
        body_limit: 1024,
        body_timeout: Duration::from_millis(500),
        signup_enabled: true,
        verify_email: false,
        password_min_length: 8,
        password_max_length: 1024,
        session_absolute: Duration::from_hours(14 * 24),
        session_idle: Duration::from_hours(7 * 24),
    }
}
