//! `keyward user`: the operator creates, finds, changes and deletes accounts.

use super::{
    import,
    listing::Listing,
    operator::{Operator, failed, failed_for, named_role, named_user, stamp},
    password,
};
use crate::{
    cli::{CreateUser, ListUsers, Output, PasswordSource, User},
    output::{CommandError, print, print_json},
};
use auth_domain::user::{self, UserStatus};
use auth_service::{Admin, AdminError, ChangedUser, InputRefused, NewUser, Pagination};
use auth_storage::users;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write, stderr, stdin};

/// How many users are read and printed at a time.
const PAGE: u32 = 100;
const HEADING: [&str; 7] = ["ID", "EMAIL", "NAME", "ROLE", "STATUS", "CREATED", "LAST SIGN-IN"];

pub(super) async fn run(operator: Operator, verb: User) -> Result<(), CommandError> {
    match verb {
        User::Create(wanted) => create(&operator, wanted).await,
        User::List(wanted) => list(&operator, wanted).await,
        User::Show { user, output } => show(&operator, &user, output).await,
        User::Disable { user } => set_status(&operator, &user, UserStatus::Disabled).await,
        User::Enable { user } => set_status(&operator, &user, UserStatus::Active).await,
        User::SetRole { user, role } => set_role(&operator, &user, &role).await,
        User::SetPassword { user, source } => set_password(&operator, &user, source).await,
        User::LockOut { user } => lock_out(&operator, &user).await,
        User::SendReset { user } => send_reset(&operator, &user).await,
        User::Import(wanted) => import::run(&operator, wanted).await,
        User::Delete { user, yes } => delete(&operator, &user, yes).await,
    }
}

async fn create(operator: &Operator, wanted: CreateUser) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    // This comes before the prompt, so that the operator does not type a password in vain.
    named_role(&admin, &wanted.role)?;
    let password = if wanted.no_password {
        None
    } else {
        Some(password::ask(wanted.source)?)
    };
    let account = NewUser {
        email: wanted.email,
        password,
        name: wanted.name,
        role: wanted.role,
        email_verified: wanted.email_verified,
    };
    let email = account.email.clone();
    let user = match admin.create_user(account, &operator.caller()).await {
        Ok(created) => created.settle(operator).await,
        Err(error) => return Err(not_created(&admin, &email, error).await),
    };
    if wanted.output.json {
        print_json(&as_json(&user))
    } else {
        print(format_args!(
            "created {} ({}) with the role {}",
            user.email.as_str(),
            user.id,
            user.role
        ))
    }
}

/// Why the user was not created; names the user who has the address already.
async fn not_created(admin: &Admin, email: &str, error: AdminError) -> CommandError {
    match error {
        AdminError::EmailTaken => match named_user(admin, email).await {
            Ok(holder) => CommandError::Failed(format!(
                "the address {} is already taken by the user {}",
                holder.email.as_str(),
                holder.id
            )),
            Err(why) => why,
        },
        AdminError::Input(InputRefused::InvalidEmail(why)) => {
            CommandError::Failed(format!("{email:?} is not a valid email address: {why}"))
        }
        other => failed(other),
    }
}

async fn list(operator: &Operator, wanted: ListUsers) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let role = wanted
        .role
        .as_deref()
        .map(|name| named_role(&admin, name))
        .transpose()?;
    let status = wanted.status.as_deref().map(str::parse).transpose();
    let status = status.map_err(|error| CommandError::Usage(format!("--status: {error}")))?;
    let filter = users::Filter {
        query: wanted.query,
        role,
        status,
    };
    let mut left = wanted.limit.unwrap_or(u32::MAX);
    let mut listing = Listing::new(wanted.output, &HEADING);
    let mut after = None;
    while left > 0 {
        let limit = left.min(PAGE);
        let users = admin
            .users(filter.clone(), Pagination { after, limit })
            .await
            .map_err(failed)?;
        let read = u32::try_from(users.len()).unwrap_or(limit);
        after = users.last().map(|user| user.id.as_uuid());
        listing.page(&users, as_json, as_row)?;
        left -= read.min(left);
        if read < limit {
            break;
        }
    }
    listing.end()
}

async fn show(operator: &Operator, user: &str, output: Output) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let user = named_user(&admin, user).await?;
    let password = admin.password_status(user.id).await.map_err(failed)?;
    if output.json {
        let mut shown = as_json(&user);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("password".to_owned(), password.into());
        }
        return print_json(&shown);
    }
    let verified = user
        .email_verified_at
        .map_or_else(|| "no".to_owned(), |at| format!("since {}", stamp(at)));
    let fields = [
        ("id", user.id.to_string()),
        ("email", user.email.as_str().to_owned()),
        ("email verified", verified),
        (
            "name",
            user.name
                .as_ref()
                .map_or("-", user::DisplayName::as_str)
                .to_owned(),
        ),
        ("role", user.role.to_string()),
        ("status", user.status.as_str().to_owned()),
        ("password", password),
        ("created", stamp(user.created_at)),
        (
            "last sign-in",
            user.last_login_at.map_or_else(|| "never".to_owned(), stamp),
        ),
    ];
    fields
        .iter()
        .try_for_each(|(name, value)| print(format_args!("{name:<15} {value}")))
}

async fn set_status(operator: &Operator, user: &str, status: UserStatus) -> Result<(), CommandError> {
    let change = users::Change {
        status: Some(status),
        ..users::Change::default()
    };
    let changed = apply(operator, user, change).await?;
    let (user, ended) = (changed.user, changed.sessions_ended);
    let ended = if ended == 0 {
        String::new()
    } else {
        format!(", {ended} session(s) ended")
    };
    print(format_args!(
        "{} is {}{ended}",
        user.email.as_str(),
        user.status.as_str()
    ))
}

async fn set_role(operator: &Operator, user: &str, role: &str) -> Result<(), CommandError> {
    let role = named_role(&operator.admin()?, role)?;
    let change = users::Change {
        role: Some(role),
        ..users::Change::default()
    };
    let user = apply(operator, user, change).await?.user;
    print(format_args!("{} has the role {}", user.email.as_str(), user.role))
}

async fn apply(operator: &Operator, user: &str, change: users::Change) -> Result<ChangedUser, CommandError> {
    let admin = operator.admin()?;
    let found = named_user(&admin, user).await?;
    let changed = admin
        .change_user(found.id, change, &operator.caller())
        .await
        .map_err(|error| failed_for(error, of(&found)))?;
    Ok(changed.settle(operator).await)
}

async fn set_password(operator: &Operator, user: &str, source: PasswordSource) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let found = named_user(&admin, user).await?;
    let password = password::ask(source)?;
    let outcome = admin
        .set_password(&found, password, &operator.caller())
        .await
        .map_err(|error| failed_for(error, of(&found)))?;
    let changed = outcome.settle(operator).await;
    print(format_args!(
        "{} has a new password; {} session(s) ended",
        changed.user.email.as_str(),
        changed.sessions_ended
    ))
}

async fn lock_out(operator: &Operator, user: &str) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let found = named_user(&admin, user).await?;
    let outcome = admin
        .lock_out(found.id, &operator.caller())
        .await
        .map_err(|error| failed_for(error, of(&found)))?;
    let user = outcome.settle(operator).await.user;
    print(format_args!(
        "{} is locked out: every credential ended (sessions and their tokens, API keys, known devices, emailed links, the \
         password)\nthe user gets an email about it and needs a reset to sign in again: `keyward user send-reset {}` sends the link",
        user.email.as_str(),
        user.email.as_str()
    ))
}

async fn send_reset(operator: &Operator, user: &str) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let found = named_user(&admin, user).await?;
    admin
        .send_reset(found.id, &operator.caller())
        .await
        .map_err(|error| failed_for(error, of(&found)))?
        .settle(operator)
        .await;
    print(format_args!(
        "a link to choose a new password is on its way to {}: a running server sends it",
        found.email.as_str()
    ))
}

async fn delete(operator: &Operator, user: &str, yes: bool) -> Result<(), CommandError> {
    let admin = operator.admin()?;
    let found = named_user(&admin, user).await?;
    if !yes && stdin().is_terminal() && !confirmed(found.email.as_str())? {
        return Err(CommandError::Failed("nothing was deleted".to_owned()));
    }
    let outcome = admin
        .delete_user(found.id, &operator.caller())
        .await
        .map_err(|error| failed_for(error, of(&found)))?;
    let user = outcome.settle(operator).await.user;
    print(format_args!("deleted {} ({})", user.email.as_str(), user.id))
}

/// A user, as a message names them.
fn of(user: &user::User) -> String {
    format!("user {} ({})", user.email.as_str(), user.id)
}

/// Asks for confirmation at the terminal. A script is not asked.
fn confirmed(email: &str) -> Result<bool, CommandError> {
    let mut out = stderr().lock();
    write!(out, "Delete {email} and everything that belongs to them? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A user as docs/http-contract.md describes it.
fn as_json(user: &user::User) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email.as_str(),
        "name": user.name.as_ref().map(user::DisplayName::as_str),
        "role": user.role.as_str(),
        "status": user.status.as_str(),
        "email_verified": user.email_verified_at.is_some(),
        "created_at": stamp(user.created_at),
        "last_login_at": user.last_login_at.map(stamp),
    })
}

fn as_row(user: &user::User) -> Vec<String> {
    vec![
        user.id.to_string(),
        user.email.as_str().to_owned(),
        user.name
            .as_ref()
            .map_or("-", user::DisplayName::as_str)
            .to_owned(),
        user.role.to_string(),
        user.status.as_str().to_owned(),
        stamp(user.created_at),
        user.last_login_at.map_or_else(|| "never".to_owned(), stamp),
    ]
}
