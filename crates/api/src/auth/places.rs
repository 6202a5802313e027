//! How many requests of one client are judged at once: their bodies come as slowly as the client likes, and all requests share
//! a number of places.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tocsin_store::credential::OwnerName;

/// A quarter of the places that all have.
pub(super) const MOST: usize = 64;

#[derive(Default)]
pub(super) struct Places(Mutex<HashMap<OwnerName, usize>>);

/// A place that is taken, until it is dropped.
pub(super) struct Place<'a> {
    places: &'a Places,
    client: OwnerName,
}

impl Places {
    /// The lock is never held while anything can fail.
    fn lock(&self) -> MutexGuard<'_, HashMap<OwnerName, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a request of `client`, if it has not too many.
    pub(super) fn enter(&self, client: &OwnerName) -> Option<Place<'_>> {
        let mut taken = self.lock();
        match taken.get_mut(client) {
            Some(count) if *count >= MOST => return None,
            Some(count) => *count = count.saturating_add(1),
            None => {
                taken.insert(client.clone(), 1);
            }
        }
        Some(Place {
            places: self,
            client: client.clone(),
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.client) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            Some(_) | None => {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_places_for_others() {
        let places = Places::default();
        let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
        let mut taken: Vec<Place<'_>> = (0..MOST).map(|_| places.enter(&one).unwrap()).collect();
        assert!(places.enter(&one).is_none());
        assert!(places.enter(&two).is_some());
        taken.pop();
        assert!(places.enter(&one).is_some());
        drop(taken);
        assert!(places.lock().is_empty());
    }
}
