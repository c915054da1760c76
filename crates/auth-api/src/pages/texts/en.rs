//! The words, in English.

use super::{ByWord, Words};
use serde::Deserialize;

macro_rules! texts {
    ($($name:ident = $words:literal;)+) => {
        /// The words of the pages; a file of the operator has the same names.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Texts {
            $(#[doc = $words] pub $name: Words,)+
            /// What is told of errors, by their codes.
            pub faults: ByWord,
            /// How the pages of errors are called, by their codes.
            pub fault_titles: ByWord,
            /// What happened, by the words of the audit log.
            pub actions: ByWord,
            /// Why sessions ended, by their words.
            pub end_reasons: ByWord,
        }

        /// The names of the words.
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
    nav_security = "Password and address";
    nav_api_keys = "API keys";
    nav_events = "Recent activity";
    nav_data = "Your data";
    nav_overview = "Overview";
    nav_users = "Users";
    nav_audit = "Audit log";
    nav_keys = "Signing keys";
    older = "Older";
    nothing_here = "There is nothing here.";
    save = "Save";
    copy = "Copy";

    form_has_faults = "Some of this has to be mended; see below.";
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
    to_account = "To your account";
    begin_anew = "Begin anew";
    request_id = "Request:";
    not_this_machine = "Over plain HTTP these pages are for the machine alone that the server runs on: a password would cross the network in the clear. Put a proxy that ends TLS in front, and give its address as server.public_url.";
    served_for = "This page is served for {served}.";
    used_origin = "Your browser used {origin}.";
    pause = "Go on";
    session_over_title = "Your session has ended";
    session_over = "Your session has ended. Sign in to go on.";

    email = "Email address";
    password = "Password";
    new_password = "New password";
    current_password = "Current password";
    password_show = "Show";
    password_hide = "Hide";
    password_length = "At least {least} characters.";
    password_lowercase = "With a lower-case letter.";
    password_uppercase = "With an upper-case letter.";
    password_digit = "With a digit.";
    password_symbol = "With a character that is neither a letter nor a digit.";
    password_guessable = "Not easy to guess: a few words that do not belong together are good.";
    password_good = "This is a good password.";
    role = "Role";

    login_title = "Welcome Back";
    login_button = "Sign in";
    login_link = "Sign in";
    forgot_link = "Forgot your password?";
    register_link = "Create an account";
    have_account = "You have an account? Sign in";
    logout_title = "Sign out";
    logout_question = "Do you want to sign out on this device?";
    logout_button = "Sign out";

    register_title = "Create an account";
    register_button = "Create account";
    name_optional = "Name (optional)";
    check_mail_title = "Look into your mail";
    register_check_mail = "If the address can be used, a mail with a link is on its way to it. The link confirms the address; then you can sign in.";
    mail_unreachable_title = "No mail can reach this address";
    mail_unreachable = "The mail server of this service does not take addresses with characters such as é before the @. Mail to this address does not arrive.";
    setup_title = "Set up";
    setup_message = "This makes the first administrator of this service.";
    setup_token = "Set-up token";
    setup_token_hint = "The server printed it when it started; it works once, for 15 minutes. “keyward setup-token” prints another.";
    setup_token_bad = "This token is unknown, was used, was replaced by a newer one, or is too old. “keyward setup-token” prints another.";
    setup_button = "Create administrator";

    forgot_title = "Forgot your password?";
    forgot_message = "Give your email address, and we mail you a link to choose a new password.";
    forgot_button = "Mail me a link";
    forgot_sent = "If there is an account with this address, a mail with a link is on its way to it. The link works for one hour.";
    forgot_email_bad = "Give an email address, as in name@example.com.";
    forgot_again = "Ask for another link";
    reset_title = "Choose a new password";
    reset_message = "You are then signed out everywhere, and sign in with the new password.";
    reset_button = "Set new password";
    link_lapsed_title = "This link works no more";
    reset_lapsed = "The link was used before, was replaced by a newer one, or is too old. Use the newest mail, or ask for another link: it is in your mail within a minute.";
    verify_title = "Confirm your address";
    verify_message = "Press the button to confirm that this email address is yours.";
    verify_button = "Confirm";
    verify_password_message = "If you opened this account, enter its password to confirm that this email address is yours. All other devices are signed out.";
    verify_change_message = "Enter the password of your account to move it to this email address. You are then signed out everywhere.";
    verify_choose_title = "Someone else opened it, or you forgot the password?";
    verify_choose_message = "Choose a new password. The old password and everything that was set up with it stop working, and the account is yours alone.";
    verify_choose_button = "Confirm with a new password";
    verify_lapsed = "The link was used before, was replaced by a newer one, or is too old. Use the newest mail. If your address is not confirmed yet, have another link sent.";
    confirm_again_title = "Confirm your address";
    confirm_again_message = "Enter your email address, and we send the link that confirms it again.";
    confirm_again_button = "Send the link again";
    confirm_again_sent = "If this address waits to be confirmed, a mail with a link is on its way to it. The link works for one day.";
    not_me_title = "This was not me";
    not_me_message = "If somebody else did what the mail told you of, press the button: everybody is signed out of your account, its password and keys work no more, and you choose a new password by mail.";
    not_me_button = "Lock everybody out";
    not_me_done_title = "Everybody is locked out";
    not_me_done = "Nobody is signed in to your account any more, and its old password works no more. Choose a new one now: we mail you a link.";
    not_me_lapsed = "The link was used before, or it is too old. If somebody else is in your account, choose a new password: that signs everybody out.";

    confirmed = "confirmed";
    not_confirmed = "not confirmed";
    member_since = "Member since";
    last_sign_in = "Last sign-in";
    verification_message = "Your address is not confirmed. Only a confirmed address can be relied on to get you back in.";
    verification_button = "Mail me a link to confirm it";
    name_title = "Your name";
    name_label = "Name";
    name_hint = "What you are called here; leave it empty for no name.";

    sessions_live = "Signed in";
    sessions_ended = "Ended";
    this_one = "this one";
    session_place = "from";
    session_used = "last used";
    session_began = "since";
    session_ended_at = "Ended";
    session_end = "End";
    end_others_message = "Signed in somewhere that you do not know? End all other sessions, and change your password.";
    end_others = "End all other sessions";

    password_title = "Change password";
    password_ends_others = "All your other sessions end; this one goes on.";
    password_button = "Change password";
    email_title = "Change email address";
    email_now = "Your address is";
    new_email = "New email address";
    email_confirms = "We mail a link to the new address. Your email changes once you open it and confirm there, signed in or with your password; then you are signed out everywhere.";
    email_button = "Mail a link";

    keys_message = "Keys let scripts act for you without your password. A script sends its key as a bearer token.";
    key_made = "This is your new key. It is shown this once: keep it where only your script can read it.";
    key_says_who = "Says who you are, and nothing more";
    key_created = "made";
    key_expires = "expires";
    key_used = "last used";
    key_never_used = "never used";
    key_revoke = "Revoke";
    key_new = "A new key";
    key_name = "What it is for";
    key_name_hint = "As in “nightly backup”.";
    key_good_for = "Good for";
    key_days = "{days} days";
    key_for_ever = "Until it is revoked";
    key_permissions = "What it may do";
    key_button = "Make key";

    events_message = "What happened to your account. If you did not do something of this, change your password.";
    by_administrator = "by an administrator";
    by_api_key = "by an API key";
    by_operator = "by the operator";

    export_title = "Take your data along";
    export_message = "Everything that is stored about you, as a file (JSON).";
    export_button = "Download";
    not_sure = "Tick the box: this can't be undone.";
    delete_title = "Delete your account";
    delete_message = "Your account and all it owns are deleted at once. That can't be undone.";
    delete_sure = "I want my account to be deleted.";
    delete_button = "Delete my account";

    stats_users = "Users";
    stats_active = "of them active";
    stats_sessions = "Live sessions";
    stats_mails_waiting = "Mails that wait";
    stats_mails_failed = "Mails given up in the last week";
    stats_unsealed = "Audit events without a seal yet";
    stats_counted = "Counted";
    chart_title = "Activity";
    chart_range = "Time range";
    chart_day = "24 hours";
    chart_week = "7 days";
    chart_month = "30 days";
    chart_sign_ins = "Sign-ins";
    chart_failures = "Failed sign-ins";
    chart_refreshes = "Refreshes";
    chart_total = "in all";
    chart_numbers = "The numbers";
    chart_from = "From (UTC)";
    chart_most = "most";
    limits_title = "Limits";
    limits_off = "Limits are turned off.";
    limits_name = "Limit";
    limits_allows = "Allows";
    limits_allowance = "{burst} at once, all of them back after {per}";
    hours = "{n} h";
    minutes = "{n} min";
    seconds = "{n} s";
    limits_refused = "Refused in this time";
    users_by_role = "Users by role";
    count = "Count";

    search = "Search";
    search_hint = "The beginning of an address or a name; after an @, of a domain.";
    any_role = "Any role";
    any_status = "Any status";
    status = "Status";
    active = "active";
    disabled = "disabled";
    filter_button = "Show";
    user = "User";
    user_invite = "Invite a user";
    user_invite_message = "A link to choose a password is mailed to the address.";
    user_invite_button = "Invite";
    none = "–";
    user_id = "Id";
    user_change = "Change";
    user_email_confirmed = "The address is known to be the user's own";
    user_reset = "Mail a link to choose a new password";
    user_lock_out = "Lock out";
    user_lock_out_message = "Ends every session, key, link and known device, and makes the password unusable. The user needs a reset by mail to come back.";
    user_lock_out_sure = "End everything that this user has.";
    user_delete = "Delete";
    user_delete_message = "Deletes the user and all that they own, at once. That can't be undone.";
    user_delete_sure = "Delete this user.";
    user_end_all = "End all sessions";
    user_events = "What happened lately";
    user_all_events = "All of it, in the audit log";

    audit_when = "When";
    audit_what = "What";
    audit_who = "Who";
    audit_about = "About";
    audit_from = "From";
    audit_any = "Anything";
    audit_since = "Since (UTC)";
    audit_until = "Until (UTC)";
    audit_user = "User (id)";
    audit_user_bad = "A user is given by their id, as their page shows it.";
    audit_time_bad = "A time is written as in 2030-01-31T12:00.";
    audit_session = "session";
    audit_request = "request";
    audit_verify = "Verify the chain";
    audit_verify_message = "Every batch of events is sealed, and each seal names the one before. Verifying reads all of them.";
    audit_whole = "The chain is whole: {batches} batches with {events} events, and {unsealed} events that wait for their seal.";
    audit_broken = "Batch {batch} is not as it was sealed: {what}.";
    audit_refused = "The batches are as they were sealed, but {count} events are under no seal: “keyward audit verify” names them.";
    audit_overdue = "The batches are as they were sealed, but {count} events have waited for their seal for too long.";
    audit_busy = "The log is being verified already; try again in a moment.";
    audit_too_long = "The log is too long to be verified within a request; run “keyward audit verify”.";
    actor_anonymous = "anonymous";
    actor_user = "user";
    actor_api_key = "API key of";
    actor_operator = "the operator";
    actor_service = "the service";

    key_id = "Key";
    key_state = "State";
    key_next = "next";
    key_active = "active";
    key_retiring = "retiring";
    key_retired = "retired";
    key_algorithm = "Algorithm";
    key_published = "Published";
    key_verifies_until = "Verifies until";
    keys_none = "Tokens are signed with a shared secret (HS256): there is no key to rotate.";
    rotate_title = "Rotate";
    rotate_message = "The next key signs from now on; the one before goes on verifying what it signed.";
    rotate_compromised = "The active key was stolen: drop it now, and refuse every token that it signed.";
    key_too_young = "The next key has not been published for long enough; it may sign from {at} on.";
    rotate_button = "Rotate keys";

    done_saved = "Saved.";
    done_signed_out = "You are signed out.";
    done_password_reset = "Your password is changed. Sign in with it.";
    done_password_changed = "Your password is changed, and your other sessions have ended.";
    done_email_verified = "Your address is confirmed.";
    done_email_change_sent = "A mail with a link is on its way to the new address.";
    done_verification_sent = "A mail with a link is on its way to you.";
    done_session_ended = "The session has ended.";
    done_others_ended = "All your other sessions have ended.";
    done_key_revoked = "The key is revoked.";
    done_account_deleted = "Your account is deleted.";
    done_user_invited = "The user is made, and a mail with a link is on its way.";
    done_user_deleted = "The user is deleted.";
    done_reset_sent = "A mail with a link to choose a new password is on its way to the user.";
    done_locked_out = "The user is locked out.";
    done_sessions_ended = "All sessions of the user have ended.";
    done_keys_rotated = "The keys are rotated.";
}
