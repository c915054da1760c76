//! Who may call a route, as a value for the document and the tests, and as a type for the compiler.

use super::argument::{Just, Nothing};
use auth_domain::role::Permission;
use std::marker::PhantomData;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anonymous,
    /// A user with an access token.
    User,
    /// Everybody; an access token that is sent must be good.
    UserIfSent,
    /// A user with an access token, or a script with an API key.
    Bearer,
    /// A user or a script that holds the permission.
    Permission(Permission),
    /// A machine client (RFC 6749 §2.3.1).
    Client,
    /// Everybody; a client that tries to prove itself must succeed.
    ClientIfSent,
}

/// What the arguments of a handler say about access ([`super::argument::Argument::Access`]).
pub trait Guard {
    /// The same as a value.
    const ACCESS: Access;
}

impl Guard for Nothing {
    const ACCESS: Access = Access::Anonymous;
}

/// Says [`Access::User`].
#[derive(Debug)]
pub enum User {}

/// Says [`Access::UserIfSent`].
#[derive(Debug)]
pub enum UserIfSent {}

/// Says [`Access::Bearer`].
#[derive(Debug)]
pub enum Bearer {}

/// Says [`Access::Permission`].
#[derive(Debug)]
pub struct Holds<P>(PhantomData<P>);

/// Says [`Access::Client`].
#[derive(Debug)]
pub enum Client {}

/// Says [`Access::ClientIfSent`].
#[derive(Debug)]
pub enum ClientIfSent {}

impl Guard for Just<User> {
    const ACCESS: Access = Access::User;
}

impl Guard for Just<UserIfSent> {
    const ACCESS: Access = Access::UserIfSent;
}

impl Guard for Just<Bearer> {
    const ACCESS: Access = Access::Bearer;
}

impl<P: Needs> Guard for Just<Holds<P>> {
    const ACCESS: Access = Access::Permission(P::PERMISSION);
}

impl Guard for Just<Client> {
    const ACCESS: Access = Access::Client;
}

impl Guard for Just<ClientIfSent> {
    const ACCESS: Access = Access::ClientIfSent;
}

/// A permission as a type.
pub trait Needs: 'static {
    /// Which one.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident)+) => {
        $(
            #[doc = concat!("Needs [`Permission::", stringify!($name), "`].")]
            #[derive(Debug)]
            pub struct $name;

            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )+
    };
}

needs!(UsersRead UsersWrite SessionsRead SessionsRevoke AuditRead KeysRead KeysRotate StatsRead);
