//! What the arguments of a handler demand of a request. The rule: the guard and the body that a handler takes are types, and the compiler
//! compares them with the declaration of its route. So the two can't differ.

use actix_web::{
    HttpRequest,
    web::{Data, Path},
};
use std::marker::PhantomData;

/// The argument has no guard, or reads no body.
#[derive(Debug)]
pub enum Unspecified {}

/// The argument has this guard, or reads this body.
#[derive(Debug)]
pub struct Specified<T>(PhantomData<T>);

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
    message = "`{Self}` specifies neither its guard nor its body",
    note = "implement `Argument` beside its `FromRequest`"
)]
pub trait Argument {
    /// Whom it lets in: [`Unspecified`], or a guard that is [`Specified`].
    type Access;
    /// The body that it reads: [`Unspecified`], or a kind of this module that is [`Specified`].
    type Body;
}

impl Argument for HttpRequest {
    type Access = Unspecified;
    type Body = Unspecified;
}

impl<T: ?Sized> Argument for Data<T> {
    type Access = Unspecified;
    type Body = Unspecified;
}

impl<T> Argument for Path<T> {
    type Access = Unspecified;
    type Body = Unspecified;
}

/// What two arguments demand together. At most one of them may specify something.
#[diagnostic::on_unimplemented(
    message = "two arguments of a handler guard it, or two read the body",
    note = "a handler has at most one guard and reads at most one body"
)]
pub trait Combine<Other> {
    /// What the two demand together.
    type Combined;
}

impl<Other> Combine<Other> for Unspecified {
    type Combined = Other;
}

impl<T> Combine<Unspecified> for Specified<T> {
    type Combined = Self;
}

/// All arguments of a handler.
pub trait Arguments {
    /// Whom they let in.
    type Access;
    /// The body that they read.
    type Body;
}

impl Arguments for () {
    type Access = Unspecified;
    type Body = Unspecified;
}

macro_rules! arguments {
    () => {};
    ($first:ident $($rest:ident)*) => {
        impl<$first, $($rest,)*> Arguments for ($first, $($rest,)*)
        where
            $first: Argument,
            ($($rest,)*): Arguments,
            $first::Access: Combine<<($($rest,)*) as Arguments>::Access>,
            $first::Body: Combine<<($($rest,)*) as Arguments>::Body>,
        {
            type Access = <$first::Access as Combine<<($($rest,)*) as Arguments>::Access>>::Combined;
            type Body = <$first::Body as Combine<<($($rest,)*) as Arguments>::Body>>::Combined;
        }
        arguments!($($rest)*);
    };
}

arguments!(A B C D E F G H);
