//! One thing, or some: most covers have one input, and a risk of theirs needs no memory but its own.

use core::ops::{Deref, DerefMut};

/// A slice of fixed length, which is not allocated where it is one long.
#[derive(Clone, Debug)]
pub(super) enum Few<T> {
    One(T),
    /// Never one.
    Some(Box<[T]>),
}

impl<T: Clone> Few<T> {
    pub(super) fn repeat(item: T, count: usize) -> Self {
        if count == 1 {
            Self::One(item)
        } else {
            Self::Some(vec![item; count].into())
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::One(item) => core::slice::from_ref(item),
            Self::Some(items) => items,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(item) => core::slice::from_mut(item),
            Self::Some(items) => items,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Self {
        match <[T; 1]>::try_from(items) {
            Ok([item]) => Self::One(item),
            Err(items) => Self::Some(items.into()),
        }
    }
}
