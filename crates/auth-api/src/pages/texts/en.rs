//! The texts of the pages, in English.

use super::{ByWord, Words};
use serde::Deserialize;

macro_rules! texts {
    ($($name:ident = $words:literal;)+) => {
        /// The texts of the pages. The operator's own file has the same names.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Texts {
            $(#[doc = $words] pub $name: Words,)+
            /// The texts of errors, by their codes.
            pub faults: ByWord,
            /// The titles of error pages, by their codes.
            pub fault_titles: ByWord,
            /// The texts of audit events, by their action.
            pub actions: ByWord,
            /// Why sessions ended, by their reason.
            pub end_reasons: ByWord,
        }

        /// The names of the texts.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$(stringify!($name),)+];

        impl Default for Texts {
            fn default() -> Self {
                Self {
                    $($name: Words::Borrowed($words),)+
                    faults: ByWord::new(),
                    fault_titles: ByWord::new(),
                    actions: ByWord::new(),
                    end_reasons: ByWord::new(),
                }
            }
        }
    };
}

texts! {
    skip = "Skip to the content";
    nav_main = "Main";
    nav_section = "Pages";
    nav_account = "Account";
    nav_admin = "Administration";
    nav_profile = "Profile";
    nav_sessions = "Devices and sessions";
    nav_security = "Password and email";
    nav_api_keys = "API keys";
    nav_events = "Recent activity";
    nav_data = "Your data";
    nav_overview = "Overview";
    nav_users = "Users";
    nav_audit = "Audit log";
    nav_keys = "Signing keys";
    older = "Older";
    nothing_here = "Nothing to show.";
    save = "Save";
    copy = "Copy";

    form_has_faults = "Please fix the highlighted fields.";
    fault_prefix = "Error:";
    too_many_attempts = "Too many attempts. Try again in {wait}.";
    wait_second = "1 second";
    wait_seconds = "{count} seconds";
    wait_minute = "1 minute";
    wait_minutes = "{count} minutes";
    wait_hour = "1 hour";
    wait_hours = "{count} hours";
    wait_day = "1 day";
    wait_days = "{count} days";
    form_again = "Open the form again";
    try_again = "Try again";
    to_account = "Go to your account";
    begin_anew = "Start again";
    request_id = "Request ID:";
    not_this_machine = "Over plain HTTP, these pages are served only to the machine that the server runs on, because a password would cross the network unencrypted. Put a proxy that terminates TLS in front of the server, and set server.public_url to its https:// URL.";
    served_for = "This page is served for {served}.";
    used_origin = "Your browser used {origin}.";
    pause = "Continue";
    session_over_title = "Your session has ended";
    session_over = "Your session has ended. Sign in to continue.";

    email = "Email address";
    password = "Password";
    new_password = "New password";
    current_password = "Current password";
    password_show = "Show";
    password_hide = "Hide";
    password_length = "At least {least} characters.";
    password_lowercase = "Use a lower-case letter.";
    password_uppercase = "Use an upper-case letter.";
    password_digit = "Use a digit.";
    password_symbol = "Use a character that is neither a letter nor a digit.";
    password_guessable = "Use a phrase that is hard to guess, such as three or four unrelated words.";
    password_good = "This is a good password.";
    role = "Role";

    login_title = "Welcome Back";
    login_button = "Sign in";
    login_link = "Sign in";
    forgot_link = "Forgot your password?";
    register_link = "Create an account";
    have_account = "Already have an account? Sign in";
    logout_title = "Sign out";
    logout_question = "Do you want to sign out on this device?";
    logout_button = "Sign out";

    register_title = "Create an account";
    register_button = "Create account";
    name_optional = "Name (optional)";
    check_mail_title = "Check your email";
    register_check_mail = "If this address can be used, we've sent a link to it. Open the link to confirm the address, then sign in.";
    mail_unreachable_title = "We can't send email to this address";
    mail_unreachable = "The mail server of this service doesn't accept addresses with characters such as é before the @, so email to this address won't arrive.";
    setup_title = "Set up this service";
    setup_message = "Create the first administrator account.";
    setup_token = "Set-up token";
    setup_token_hint = "The server printed it when it started. It works once, for 15 minutes. “keyward setup-token” prints a new one.";
    setup_token_bad = "This token is invalid, or it was used, replaced by a newer one, or has expired. “keyward setup-token” prints a new one.";
    setup_button = "Create administrator";

    forgot_title = "Forgot your password?";
    forgot_message = "Enter your email address and we'll send you a link to choose a new password.";
    forgot_button = "Send reset link";
    forgot_sent = "If an account with this address exists, we've sent a link to it. The link works once, for one hour.";
    forgot_email_bad = "Enter an email address, like name@example.com.";
    forgot_again = "Request a new link";
    reset_title = "Choose a new password";
    reset_message = "You'll be signed out on all devices. Then sign in with the new password.";
    reset_button = "Set new password";
    link_lapsed_title = "This link no longer works";
    reset_lapsed = "The link was used, was replaced by a newer one, or has expired. Use the newest email, or request a new link.";
    verify_title = "Confirm your email address";
    verify_message = "Confirm that this email address is yours.";
    verify_button = "Confirm";
    verify_password_message = "If you created this account, enter its password to confirm that this email address is yours. You'll be signed out on all other devices.";
    verify_change_message = "Enter the password of your account to move it to this email address. You'll then be signed out on all devices.";
    verify_choose_title = "Didn't create this account, or forgot its password?";
    verify_choose_message = "Choose a new password. The old password and everything that was set up with it stop working, and the account is yours alone.";
    verify_choose_button = "Confirm with a new password";
    verify_lapsed = "The link was used, was replaced by a newer one, or has expired. Use the newest email. If your address is not confirmed yet, send the link again.";
    confirm_again_title = "Confirm your email address";
    confirm_again_message = "Enter your email address and we'll send the confirmation link again.";
    confirm_again_button = "Send the link again";
    confirm_again_sent = "If this address is waiting to be confirmed, we've sent a link to it. The link works for one day.";
    not_me_title = "This was not me";
    not_me_message = "If this wasn't you, secure your account: all devices are signed out, all API keys are revoked, and the password stops working. You'll then choose a new password by email.";
    not_me_button = "Secure my account";
    not_me_done_title = "Your account is secured";
    not_me_done = "All devices are signed out, and the old password no longer works. Choose a new one now: we'll send you a link.";
    not_me_lapsed = "The link was used or has expired. If someone else is in your account, choose a new password: that signs out all devices.";

    confirmed = "confirmed";
    not_confirmed = "not confirmed";
    member_since = "Member since";
    last_sign_in = "Last sign-in";
    verification_message = "Your email address is not confirmed. Confirm it so that you can recover your account.";
    verification_button = "Send confirmation link";
    name_title = "Your name";
    name_label = "Name";
    name_hint = "Shown on your account and in emails. Leave it empty for no name.";

    sessions_live = "Active";
    sessions_ended = "Ended";
    this_one = "this device";
    session_place = "from";
    session_used = "last used";
    session_began = "signed in";
    session_ended_at = "Ended";
    session_end = "End session";
    end_others_message = "Don't recognise a device? End all other sessions, then change your password.";
    end_others = "End all other sessions";

    password_title = "Change password";
    password_ends_others = "You stay signed in here and are signed out everywhere else.";
    password_button = "Change password";
    email_title = "Change email address";
    email_now = "Your email address is";
    new_email = "New email address";
    email_confirms = "We'll send a link to the new address. Your email address changes when you open the link and confirm, signed in or with your password. You're then signed out on all devices.";
    email_button = "Send confirmation link";

    keys_message = "API keys let scripts act for you without your password. A script sends its key as a bearer token.";
    key_made = "Copy your new key now. It is shown only once.";
    key_says_who = "Can only read your profile";
    key_created = "created";
    key_expires = "expires";
    key_used = "last used";
    key_never_used = "never used";
    key_revoke = "Revoke";
    key_new = "New API key";
    key_name = "Name";
    key_name_hint = "For example “nightly backup”.";
    key_good_for = "Expires after";
    key_days = "{days} days";
    key_for_ever = "Never";
    key_permissions = "Permissions";
    key_button = "Create key";

    events_message = "Recent security activity on your account. If you don't recognise something, change your password.";
    by_administrator = "by an administrator";
    by_api_key = "by an API key";
    by_operator = "by the operator";

    export_title = "Download your data";
    export_message = "A copy of everything that is stored about you, as a file (JSON).";
    export_button = "Download";
    not_sure = "Tick the box to confirm. This can't be undone.";
    delete_title = "Delete your account";
    delete_message = "Your account and everything that belongs to it are deleted at once. This can't be undone.";
    delete_sure = "I want to delete my account.";
    delete_button = "Delete my account";

    stats_users = "Users";
    stats_active = "Active users";
    stats_sessions = "Active sessions";
    stats_mails_waiting = "Emails queued";
    stats_mails_failed = "Emails failed (7 days)";
    stats_unsealed = "Unsealed audit events";
    stats_counted = "Updated";
    chart_title = "Activity";
    chart_range = "Time range";
    chart_day = "24 hours";
    chart_week = "7 days";
    chart_month = "30 days";
    chart_sign_ins = "Sign-ins";
    chart_failures = "Failed sign-ins";
    chart_refreshes = "Refreshes";
    chart_total = "total";
    chart_numbers = "Show as table";
    chart_from = "From (UTC)";
    chart_most = "peak";
    limits_title = "Rate limits";
    limits_off = "Rate limits are turned off.";
    limits_name = "Limit";
    limits_allows = "Allows";
    limits_allowance = "up to {burst} at once, refilled within {per}";
    hours = "{n} h";
    minutes = "{n} min";
    seconds = "{n} s";
    limits_refused = "Refused in this period";
    users_by_role = "Users by role";
    count = "Count";

    search = "Search";
    search_hint = "The start of an email address or name, or @ and the start of a domain.";
    any_role = "Any role";
    any_status = "Any status";
    status = "Status";
    active = "active";
    disabled = "disabled";
    filter_button = "Apply filters";
    user = "User";
    user_invite = "Invite a user";
    user_invite_message = "The user gets an email with a link to choose a password.";
    user_invite_button = "Invite";
    none = "–";
    user_id = "ID";
    user_change = "Edit user";
    user_email_confirmed = "Email confirmed";
    user_reset = "Send reset link";
    user_lock_out = "Lock out";
    user_lock_out_message = "Ends every session, API key, link and known device, and makes the password unusable. The user then has to reset the password by email.";
    user_lock_out_sure = "Yes, lock this user out.";
    user_delete = "Delete user";
    user_delete_message = "Deletes the user and everything that belongs to them, at once. This can't be undone.";
    user_delete_sure = "Yes, delete this user.";
    user_end_all = "End all sessions";
    user_events = "Recent activity";
    user_all_events = "View in the audit log";

    audit_when = "Time";
    audit_what = "Event";
    audit_who = "Actor";
    audit_about = "User";
    audit_from = "IP address";
    audit_any = "All events";
    audit_since = "Since (UTC)";
    audit_until = "Until (UTC)";
    audit_user = "User (ID)";
    audit_user_bad = "Enter the user's ID, as their page shows it.";
    audit_time_bad = "Enter a time like 2030-01-31T12:00.";
    audit_session = "session";
    audit_request = "request";
    audit_verify = "Verify integrity";
    audit_verify_message = "Checks that no sealed audit event was changed or removed. Every batch of events is sealed, and each seal includes the one before.";
    audit_whole = "No tampering found: {events} events in {batches} sealed batches. {unsealed} newer events are not sealed yet.";
    audit_broken = "Batch {batch} does not match its seal: {what}.";
    audit_refused = "The sealed batches are intact, but {count} events are not under a seal: “keyward audit verify” lists them.";
    audit_overdue = "The sealed batches are intact, but {count} events have waited too long for their seal.";
    audit_busy = "A verification is already running. Try again in a moment.";
    audit_too_long = "The log is too long to verify within a request. Run “keyward audit verify”.";
    actor_anonymous = "anonymous";
    actor_user = "user";
    actor_api_key = "API key of";
    actor_operator = "the operator";
    actor_service = "the service";

    key_id = "Key ID";
    key_state = "State";
    key_next = "next";
    key_active = "active";
    key_retiring = "retiring";
    key_retired = "retired";
    key_algorithm = "Algorithm";
    key_published = "Published";
    key_verifies_until = "Valid until";
    keys_none = "Tokens are signed with a shared secret (HS256), so there is no key to rotate.";
    rotate_title = "Rotate keys";
    rotate_message = "New tokens are signed with the next key. Tokens signed with the current key stay valid until they expire.";
    rotate_compromised = "The active key is compromised: revoke it now, and refuse every token that it signed.";
    key_too_young = "The next key has not been published for long enough; it may sign from {at} on.";
    rotate_button = "Rotate keys";

    done_saved = "Saved.";
    done_signed_out = "You are signed out.";
    done_password_reset = "Your password is changed. Sign in with it.";
    done_password_changed = "Your password is changed, and your other sessions have ended.";
    done_email_verified = "Your email address is confirmed.";
    done_email_change_sent = "We've sent a link to the new address.";
    done_verification_sent = "We've sent you a link.";
    done_session_ended = "The session has ended.";
    done_others_ended = "All your other sessions have ended.";
    done_key_revoked = "The key is revoked.";
    done_account_deleted = "Your account is deleted.";
    done_user_invited = "Invitation sent.";
    done_user_deleted = "The user is deleted.";
    done_reset_sent = "Reset link sent.";
    done_locked_out = "The user is locked out.";
    done_sessions_ended = "All sessions of the user have ended.";
    done_keys_rotated = "The keys are rotated.";
}
