//! Who may call a route: as a value for the document and the tests, and as a type for the compiler.

use super::argument::{Specified, Unspecified};
use auth_domain::role::Permission;
use std::marker::PhantomData;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Any caller.
    Anonymous,
    /// A user with an access token.
    User,
    /// Any caller; an access token that is sent must be valid.
    UserIfSent,
    /// A user with an access token, or a script with an API key.
    Bearer,
    /// A user or a script that holds the permission.
    Permission(Permission),
    /// A client that authenticates itself (RFC 6749 §2.3.1).
    Client,
    /// Any caller; credentials of a client that are sent must be right.
    ClientIfSent,
}

/// An access as a type: what the arguments of a handler demand ([`super::argument::Argument::Access`]).
pub trait Guard {
    /// The same access as a value.
    const ACCESS: Access;
}

impl Guard for Unspecified {
    const ACCESS: Access = Access::Anonymous;
}

/// Stands for [`Access::User`].
#[derive(Debug)]
pub enum User {}

/// Stands for [`Access::UserIfSent`].
#[derive(Debug)]
pub enum UserIfSent {}

/// Stands for [`Access::Bearer`].
#[derive(Debug)]
pub enum Bearer {}

/// Stands for [`Access::Permission`].
#[derive(Debug)]
pub struct Holds<P>(PhantomData<P>);

/// Stands for [`Access::Client`].
#[derive(Debug)]
pub enum Client {}

/// Stands for [`Access::ClientIfSent`].
#[derive(Debug)]
pub enum ClientIfSent {}

impl Guard for Specified<User> {
    const ACCESS: Access = Access::User;
}

impl Guard for Specified<UserIfSent> {
    const ACCESS: Access = Access::UserIfSent;
}

impl Guard for Specified<Bearer> {
    const ACCESS: Access = Access::Bearer;
}

impl<P: RequiredPermission> Guard for Specified<Holds<P>> {
    const ACCESS: Access = Access::Permission(P::PERMISSION);
}

impl Guard for Specified<Client> {
    const ACCESS: Access = Access::Client;
}

impl Guard for Specified<ClientIfSent> {
    const ACCESS: Access = Access::ClientIfSent;
}

/// A permission as a type, for handlers that demand it.
pub trait RequiredPermission: 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($name:ident)+) => {
        $(
            #[doc = concat!("Stands for [`Permission::", stringify!($name), "`].")]
            #[derive(Debug)]
            pub struct $name;

            impl RequiredPermission for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+
    };
}

permissions!(UsersRead UsersWrite SessionsRead SessionsRevoke AuditRead KeysRead KeysRotate StatsRead);
