//! What the arguments of a handler say about its route. The rule: a guard or a body that a handler takes is a type, and the compiler
//! compares it with what the route declares. So the two can't differ.

use actix_web::{
    HttpRequest,
    web::{Data, Path},
};
use std::marker::PhantomData;

/// Nothing is said: the caller need not say who they are, or no body is read.
#[derive(Debug)]
pub enum Nothing {}

/// This is said, and said once.
#[derive(Debug)]
pub struct Just<T>(PhantomData<T>);

/// A JSON body of this type.
#[derive(Debug)]
pub struct JsonBody<T>(PhantomData<T>);

/// A JSON body of this type, which may be left out.
#[derive(Debug)]
pub struct OptionalJsonBody<T>(PhantomData<T>);

/// A form.
#[derive(Debug)]
pub enum FormBody {}

/// An argument of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whom it lets in and what it reads of the body",
    note = "implement `Argument` beside its `FromRequest`"
)]
pub trait Argument {
    /// Who gets past it: [`Nothing`], or [`Just`] a guard.
    type Access;
    /// The body that it reads: [`Nothing`], or [`Just`] one of the kinds of this module.
    type Body;
}

impl Argument for HttpRequest {
    type Access = Nothing;
    type Body = Nothing;
}

impl<T: ?Sized> Argument for Data<T> {
    type Access = Nothing;
    type Body = Nothing;
}

impl<T> Argument for Path<T> {
    type Access = Nothing;
    type Body = Nothing;
}

/// What two arguments say together. Two that both say something have no sum.
#[diagnostic::on_unimplemented(
    message = "two arguments of a handler guard it, or two read the body",
    note = "a handler has at most one guard and reads at most one body"
)]
pub trait Beside<Other> {
    /// What both say.
    type Both;
}

impl<Other> Beside<Other> for Nothing {
    type Both = Other;
}

impl<T> Beside<Nothing> for Just<T> {
    type Both = Self;
}

/// All arguments of a handler.
pub trait Arguments {
    /// Who gets past them.
    type Access;
    /// The body that they read.
    type Body;
}

impl Arguments for () {
    type Access = Nothing;
    type Body = Nothing;
}

macro_rules! arguments {
    () => {};
    ($first:ident $($rest:ident)*) => {
        impl<$first, $($rest,)*> Arguments for ($first, $($rest,)*)
        where
            $first: Argument,
            ($($rest,)*): Arguments,
            $first::Access: Beside<<($($rest,)*) as Arguments>::Access>,
            $first::Body: Beside<<($($rest,)*) as Arguments>::Body>,
        {
            type Access = <$first::Access as Beside<<($($rest,)*) as Arguments>::Access>>::Both;
            type Body = <$first::Body as Beside<<($($rest,)*) as Arguments>::Body>>::Both;
        }
        arguments!($($rest)*);
    };
}

arguments!(A B C D E F G H);
