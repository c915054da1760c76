//! The schema of both databases. The rule: `migrations/` creates it, and a test compares each database with it.

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    users (id) {
        id -> Guid,
        email -> Text,
        email_key -> Text,
        name -> Nullable<Text>,
        name_key -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        role -> Text,
        status -> Text,
        email_verified_at -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
        last_login_at -> Nullable<Instant>,
        token_generation -> BigInt,
        devices_from -> Nullable<Instant>,
        password_changed_at -> Nullable<Instant>,
        email_domain -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    sessions (id) {
        id -> Guid,
        user_id -> Guid,
        generation -> BigInt,
        created_at -> Instant,
        rotation -> BigInt,
        rotated_at -> Instant,
        refresh_expires_at -> Instant,
        access_until -> Instant,
        idempotency_digest -> Nullable<Binary>,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        authenticated_at -> Nullable<Instant>,
        authentications -> BigInt,
        amr -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    revocations (id, kind) {
        id -> Guid,
        kind -> Text,
        generation -> Nullable<BigInt>,
        until -> Instant,
        recorded_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    one_time_tokens (id) {
        id -> Guid,
        kind -> Text,
        user_id -> Nullable<Guid>,
        digest -> Binary,
        created_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
        email -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        name -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    api_keys (id) {
        id -> Guid,
        user_id -> Guid,
        name -> Text,
        digest -> Binary,
        permissions -> Text,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
        last_used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    outbox (id) {
        id -> Guid,
        kind -> Text,
        user_id -> Nullable<Guid>,
        recipient -> Nullable<Text>,
        facts -> Text,
        created_at -> Instant,
        due_at -> Instant,
        attempts -> Integer,
        leased_until -> Nullable<Instant>,
        lease -> Nullable<Guid>,
        outcome -> Nullable<Text>,
        done_at -> Nullable<Instant>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    audit_events (id) {
        id -> Guid,
        at -> Instant,
        actor -> Text,
        actor_id -> Nullable<Guid>,
        api_key_id -> Nullable<Guid>,
        action -> Text,
        subject -> Nullable<Guid>,
        session_id -> Nullable<Guid>,
        ip -> Nullable<Text>,
        request_id -> Nullable<Text>,
        details -> Text,
        batch -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    audit_seals (number) {
        number -> BigInt,
        format -> BigInt,
        previous -> Binary,
        count -> BigInt,
        mac -> Binary,
        sealed_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    activity (hour, kind) {
        hour -> Instant,
        kind -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    signing_keys (kid) {
        kid -> Text,
        state -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        sealed -> Binary,
        published_at -> Instant,
        verifies_until -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    clients (id) {
        id -> Text,
        secret_digest -> Binary,
        created_at -> Instant,
    }
}

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Binary,
    }
}

diesel::table! {
    guards (name) {
        name -> Text,
        taken -> BigInt,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(one_time_tokens -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(users, sessions);
diesel::allow_tables_to_appear_in_same_query!(users, api_keys);
diesel::allow_tables_to_appear_in_same_query!(users, one_time_tokens);
diesel::table! {
    use diesel::sql_types::*;
    use crate::sqlty::*;

    nodes (id) {
        id -> Guid,
        version -> Text,
        knows -> Text,
        started_at -> Instant,
        seen_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit_events, audit_seals);

/// The tables and their columns, for the test that compares them with each database.
pub fn columns() -> Vec<(&'static str, Vec<&'static str>)> {
    use diesel::query_source::Column as _;
    macro_rules! columns {
        ($($table:ident: $($column:ident)*;)*) => {
            vec![$((stringify!($table), vec![$($table::$column::NAME),*])),*]
        };
    }
    columns! {
        users: id email email_key name name_key password_hash role status email_verified_at created_at updated_at
            last_login_at token_generation devices_from password_changed_at email_domain;
        sessions: id user_id generation created_at rotation rotated_at refresh_expires_at access_until
            idempotency_digest ended_at end_reason ip user_agent authenticated_at authentications amr;
        revocations: id kind generation until recorded_at;
        one_time_tokens: id kind user_id digest created_at expires_at used_at email password_hash name;
        api_keys: id user_id name digest permissions created_at expires_at last_used_at;
        outbox: id kind user_id recipient facts created_at due_at attempts leased_until lease outcome done_at last_error;
        audit_events: id at actor actor_id api_key_id action subject session_id ip request_id details batch;
        audit_seals: number format previous count mac sealed_at;
        activity: hour kind count;
        signing_keys: kid state algorithm public_jwk sealed published_at verifies_until;
        clients: id secret_digest created_at;
        settings: name value;
        guards: name taken;
        nodes: id version knows started_at seen_at;
    }
}
