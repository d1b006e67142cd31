//! What there is.

/// Every operation, and every status that it can answer with.
pub(super) const OPERATIONS: &[(&str, &str)] = &[
    (
        "cancelRun",
        "DELETE /api/admin/projections/{name}/runs/{id}: 204 400 401 403 404 409 500 503",
    ),
    (
        "getRun",
        "GET /api/admin/projections/{name}/runs/{id}: 200 400 401 403 404 500 503",
    ),
    (
        "listParked",
        "GET /api/admin/projections/{name}/parked: 200 400 401 403 404 422 500 503",
    ),
    ("listProjections", "GET /api/admin/projections: 200 400 401 403 500 503"),
    (
        "listRuns",
        "GET /api/admin/projections/{name}/runs: 200 400 401 403 404 422 500 503",
    ),
    (
        "pauseProjection",
        "POST /api/admin/projections/{name}/pause: 204 400 401 403 404 409 500 503",
    ),
    (
        "rebuildProjection",
        "POST /api/admin/projections/{name}/rebuild: 202 400 401 403 404 408 409 413 415 422 500 503",
    ),
    (
        "resumeProjection",
        "POST /api/admin/projections/{name}/resume: 204 400 401 403 404 409 500 503",
    ),
    (
        "retryParked",
        "POST /api/admin/projections/{name}/parked/{stream}/retry: 204 400 401 403 404 409 500 503",
    ),
    (
        "rollBackProjection",
        "POST /api/admin/projections/{name}/rollback: 204 400 401 403 404 409 500 503",
    ),
    (
        "streamRunEvents",
        "GET /api/admin/projections/{name}/runs/{id}/events: 200 400 401 403 404 429 500 503",
    ),
    (
        "verifyProjection",
        "POST /api/admin/projections/{name}/verify: 202 400 401 403 404 409 500 503",
    ),
    ("authorizeForEnvoy", "GET /api/authz/ext-authz: 204 302 401 500 503"),
    ("authorizeForNginx", "GET /api/authz/auth-request: 204 401 500 503"),
    ("authorizeForward", "GET /api/authz/forward-auth: 204 302 401 500 503"),
    (
        "changeEmail",
        "POST /api/email/change: 202 400 401 403 408 409 413 415 422 429 500 503",
    ),
    (
        "changePassword",
        "POST /api/password/change: 204 400 401 403 408 409 413 415 422 429 500 503",
    ),
    (
        "completeSocialLogin",
        "POST /api/social/{provider}: 200 400 403 404 408 409 413 415 422 500 503",
    ),
    (
        "completeSocialLoginByQuery",
        "GET /api/social/{provider}: 200 400 403 404 409 422 500 503",
    ),
    (
        "continueSocialLogin",
        "POST /api/social/{provider}/continue: 200 400 401 403 404 409 500 503",
    ),
    ("eraseMe", "DELETE /api/me: 204 400 401 403 409 500 503"),
    ("exportMyData", "GET /api/me/export: 200 400 401 403 500 503"),
    (
        "exportLogins",
        "GET /api/audit/logins/export: 200 400 401 403 422 429 500 503",
    ),
    (
        "createUser",
        "POST /api/admin/users: 201 400 401 403 408 409 413 415 422 500 503",
    ),
    (
        "deactivateUser",
        "POST /api/admin/users/{id}/deactivate: 204 400 401 403 404 409 500 503",
    ),
    (
        "endUserSessions",
        "DELETE /api/admin/users/{id}/sessions: 204 400 401 403 404 409 500 503",
    ),
    (
        "eraseUser",
        "POST /api/admin/users/{id}/erase: 204 400 401 403 404 409 500 503",
    ),
    ("getStats", "GET /api/admin/stats: 200 400 401 403 500 503"),
    ("getUser", "GET /api/admin/users/{id}: 200 400 401 403 404 500 503"),
    (
        "listUserSessions",
        "GET /api/admin/users/{id}/sessions: 200 400 401 403 404 422 500 503",
    ),
    ("listUsers", "GET /api/admin/users: 200 400 401 403 422 500 503"),
    (
        "reactivateUser",
        "POST /api/admin/users/{id}/reactivate: 204 400 401 403 404 409 500 503",
    ),
    (
        "setRoles",
        "PUT /api/admin/users/{id}/roles: 200 400 401 403 404 408 409 413 415 422 500 503",
    ),
    (
        "startPasswordReset",
        "POST /api/admin/users/{id}/password-reset: 204 400 401 403 404 409 500 503",
    ),
    (
        "unlockUser",
        "POST /api/admin/users/{id}/unlock: 204 400 401 403 404 409 500 503",
    ),
    (
        "finishSocialRedirect",
        "GET /api/social/{provider}/callback: 302 400 404 422 500 503",
    ),
    ("getCheckpointKey", "GET /api/audit/key: 200 400 401 403 500 503"),
    ("getConfig", "GET /api/config: 200 500"),
    (
        "getConsistencyProof",
        "GET /api/audit/proofs/consistency: 200 400 401 403 404 422 500 503",
    ),
    ("getCsrfToken", "GET /api/csrf: 200 400 500 503"),
    (
        "getInclusionProof",
        "GET /api/audit/proofs/inclusion: 200 400 401 403 404 422 429 500 503",
    ),
    (
        "getLatestCheckpoint",
        "GET /api/audit/checkpoints/latest: 200 400 401 403 404 500 503",
    ),
    ("getProfile", "GET /api/me: 200 400 401 500 503"),
    ("getSession", "GET /api/session: 200 400 500 503"),
    (
        "getUserAsOf",
        "GET /api/audit/users/{id}: 200 400 401 403 404 422 429 500 503",
    ),
    ("getUserProfile", "GET /api/users/profile: 200 400 401 500 503"),
    (
        "listCheckpoints",
        "GET /api/audit/checkpoints: 200 400 401 403 422 500 503",
    ),
    ("listMyLogins", "GET /api/me/logins: 200 400 401 422 500 503"),
    ("listProviders", "GET /api/social: 200 500"),
    (
        "listSessionsAsOf",
        "GET /api/audit/sessions: 200 400 401 403 422 429 500 503",
    ),
    ("listSessions", "GET /api/sessions: 200 400 401 422 500 503"),
    ("listSocialAccounts", "GET /api/me/social-accounts: 200 400 401 500 503"),
    (
        "logIn",
        "POST /api/login: 200 400 401 403 408 409 413 415 422 429 500 503",
    ),
    ("logOut", "POST /api/logout: 200 400 403 409 500 503"),
    (
        "reauthenticate",
        "POST /api/session/reauthenticate: 200 400 401 403 408 409 413 415 422 429 500 503",
    ),
    (
        "redirectSocialLogin",
        "GET /api/social/{provider}/login: 302 400 403 404 422 429 500 503",
    ),
    (
        "refreshSession",
        "POST /api/session/refresh: 200 400 401 403 409 500 503",
    ),
    (
        "requestPasswordReset",
        "POST /api/password/forgot: 202 400 403 408 409 413 415 422 429 500 503",
    ),
    (
        "resendVerification",
        "POST /api/email/resend: 202 400 403 408 409 413 415 422 429 500 503",
    ),
    (
        "resetPassword",
        "POST /api/password/reset: 204 400 403 408 409 410 413 415 422 429 500 503",
    ),
    (
        "revokeOtherSessions",
        "DELETE /api/sessions: 204 400 401 403 409 422 500 503",
    ),
    (
        "revokeSession",
        "DELETE /api/sessions/{id}: 204 400 401 403 404 409 500 503",
    ),
    ("searchEvents", "GET /api/audit/events: 200 400 401 403 422 429 500 503"),
    ("searchLogins", "GET /api/audit/logins: 200 400 401 403 422 429 500 503"),
    ("setCsrfCookie", "GET /api/login-set-cookie: 200 400 500 503"),
    (
        "signUp",
        "POST /api/signup: 202 400 403 408 409 413 415 422 429 500 503",
    ),
    (
        "startSocialLogin",
        "POST /api/social/{provider}/start: 200 400 401 403 404 408 413 415 422 429 500 503",
    ),
    (
        "streamSessionEvents",
        "GET /api/session/events: 200 400 401 429 500 503",
    ),
    (
        "unlinkSocialAccount",
        "DELETE /api/me/social-accounts/{id}: 204 400 401 403 404 409 500 503",
    ),
    (
        "updateProfile",
        "PATCH /api/me: 200 400 401 403 408 409 413 415 422 429 500 503",
    ),
    (
        "verifyEmail",
        "POST /api/email/verify: 204 400 403 408 409 410 413 415 422 429 500 503",
    ),
];
