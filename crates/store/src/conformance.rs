//! The suite that every backend passes: what the traits promise, checked through the traits alone.
//!
//! A backend implements [`Backend`] in its tests and calls [`conformance_tests!`](crate::conformance_tests), which makes
//! one test of each promise. Two backends that pass behave alike, so nothing above the store asks which one it has.
//! Compiled only with the feature `conformance`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; only the feature that compiles it is not `cfg(test)`, so that backends can share it"
)]

pub mod answers;
pub mod archive;
pub mod attestations;
pub mod attestors;
pub mod backlog;
pub mod batches;
pub mod browse;
pub mod claims;
pub mod coverage;
pub mod covers;
pub mod credentials;
pub mod declarations;
pub mod deliveries;
pub mod durability;
pub mod epochs;
pub mod events;
pub mod grounds;
pub mod halts;
pub mod imports;
pub mod logs;
pub mod looks;
pub mod mirrors;
mod model;
pub mod nonces;
pub mod policies;
pub mod quorums;
pub mod random;
pub mod renewals;
pub mod reservations;
pub mod sample;
pub mod snapshots;
pub mod standings;
pub mod statements;
pub mod steps;
pub mod unwinding;
pub mod values;
pub mod warnings;
pub mod webhooks;

use core::future::Future;

use crate::{Store, StoreError};

/// A place where a backend keeps one database.
pub trait Backend: Sized + Sync {
    /// The backend.
    type Store: Store + 'static;

    /// A place with nothing in it.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Opens what is in the place.
    fn open(&self) -> impl Future<Output = Self::Store> + Send;

    /// Lets go of the place; what was written must be there when it is opened again.
    fn close(&self, store: Self::Store) -> impl Future<Output = ()> + Send;
}

/// What a failed write was failed for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// [`StoreError::Conflict`]
    Conflict,
    /// [`StoreError::Stale`]
    Stale,
    /// [`StoreError::Missing`]
    Missing,
    /// [`StoreError::Refused`]
    Refused,
    /// [`StoreError::Halted`]
    Halted,
    /// Anything else; no test expects it.
    Other,
}

impl Fault {
    /// The fault that an error reports.
    pub fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Conflict,
            StoreError::Stale { .. } => Self::Stale,
            StoreError::Missing { .. } => Self::Missing,
            StoreError::Refused { .. } => Self::Refused,
            StoreError::Halted { .. } => Self::Halted,
            StoreError::Open { .. }
            | StoreError::Busy { .. }
            | StoreError::Full { .. }
            | StoreError::Failed { .. }
            | StoreError::InvalidRow { .. } => Self::Other,
        }
    }
}

/// Panics unless `result` failed for `fault`.
#[track_caller]
fn assert_fault<T: core::fmt::Debug>(result: Result<T, StoreError>, fault: Fault) {
    match result {
        Ok(value) => panic!("expected {fault:?}, but it succeeded with {value:?}"),
        Err(error) => assert_eq!(Fault::of(&error), fault, "{error}"),
    }
}

/// Makes one test of every promise, for a type that implements [`Backend`](crate::conformance::Backend). The calling crate
/// needs `tokio` with its macros and multi-threaded runtime.
#[macro_export]
macro_rules! conformance_tests {
    ($backend:ident) => {
        $crate::conformance_tests! { @each $backend
            covers {
                are_found_again
                are_added_once
                terms_never_change
                a_changed_risk_conflicts
                forged_ids_are_refused
            }
            declarations {
                come_with_all_that_belongs_to_them
                are_made_once
            }
            answers {
                are_given_once
                are_forgotten_by_age
                stay_with_their_policies
                have_one_winner
            }
            policies {
                are_found_again
                are_added_all_or_none
                are_added_once
                begin_with_their_risk
            }
            imports {
                add_everything_once
                add_all_or_none
                make_work_for_what_was_determined
            }
            looks {
                come_when_they_are_due
                move_on_from_where_they_were_read
                move_together_with_what_was_seen
                give_their_watermarks_to_risks
                are_due_for_new_risks_when_closed
                wait_for_a_person
                count_what_keys_use
            }
            archive {
                keeps_what_was_sent
                lets_risks_rest
                keeps_risks_awake_that_have_heard_something
                keeps_what_open_looks_remember
                keeps_what_claims_rest_on
            }
            steps {
                a_source_moves_on_from_where_it_was_read
                a_source_never_goes_back
                a_state_is_replaced_once
                observations_are_added_once
                a_second_value_conflicts
                determinations_are_added_once
                a_conflict_at_the_end_leaves_no_trace
                concurrent_steps_have_one_winner
                many_observations_are_one_step
            }
            coverage {
                grows_without_gaps
                of_other_blocks_is_refused
                shows_what_was_observed
                is_looked_at_again
            }
            halts {
                keep_their_first_reason
                stop_what_they_concern
                keep_claims_from_being_signed
            }
            unwinding {
                leaves_no_trace_of_what_was_taken_back
                makes_what_was_read_before_stale
                moves_each_source_as_far_as_it_was_read
                needs_a_halt_and_a_true_mark
                keeps_what_is_reserved
                restores_what_is_found_again
                gives_way_when_acknowledged
                leaves_attestations_alone
            }
            warnings {
                stand_until_withdrawn
                give_way_to_others
                are_confirmed_by_determinations
            }
            snapshots {
                show_what_an_evaluation_needs
                order_pending_observations
                history_carries_the_last_value_in
                history_orders_by_time_stream_and_sequence
            }
            values {
                of_every_kind_come_back
                reasons_of_every_kind_come_back
                texts_that_cannot_be_stored_are_refused
            }
            claims {
                are_awaited_while_a_policy_has_none
                a_late_policy_makes_work_again
                are_added_all_or_none
                wait_for_attestation_in_order
            }
            backlog {
                moves_from_stage_to_stage
                holds_what_is_not_delivered
            }
            reservations {
                are_given_once
                a_reissue_is_identical
                another_statement_conflicts
                thirty_two_callers_have_one_winner
                forged_payloads_are_refused
                are_given_to_many_at_once
            }
            renewals {
                makes_claims_wait_again
                settles_the_nonce_of_the_old_delivery
                leaves_out_what_is_paid_or_held
                ends_with_the_payment
            }
            mirrors {
                are_made_once_of_what_is_recorded
                are_not_made_of_what_is_revoked
            }
            standings {
                follow_the_verifier
                make_room_for_a_correction
                stop_what_was_not_said_yet
                are_journaled_before_they_are_signed
            }
            epochs {
                are_announced_once
                do_not_change
                are_revoked_once
            }
            attestors {
                move_from_where_they_are
                are_noticed_once
                are_counted_by_what_they_sign
                are_counted_by_batch
                are_counted_where_they_fail
            }
            statements {
                follow_a_reservation
                keep_to_one_content
            }
            attestations {
                need_what_they_rest_on
                are_recorded_once
                are_listed
            }
            batches {
                are_recorded_whole
                are_recorded_once
                that_do_not_hold_together_are_refused
                need_what_each_rests_on
            }
            deliveries {
                begin_queued
                collect_attempts_in_order
                are_put_back
                finish_once
                are_given_up
                are_listed_in_order
                that_back_off_are_not_listed
                that_are_for_later_wait
                write_down_what_was_paid
                that_are_unknown_are_missing
            }
            quorums {
                contradict_nothing
                give_one_vote_a_round
                find_results_by_claims
                count_disagreements
            }
            credentials {
                are_found_again
                change_from_where_they_were_read
                rotate_in_one_step
                take_a_nonce_once
                have_one_winner_for_a_nonce
                take_the_nonces_of_a_crowd
                keep_nonces_within_bounds
                count_what_they_are_used_for
                take_a_public_key_once
                wait_for_a_second_person
            }
            events {
                have_one_order
                are_valid_in_themselves
                are_forgotten_when_they_are_old
            }
            webhooks {
                are_registered
                are_shared_among_clients
                want_what_they_ask_for
                are_due_in_order
                replay_dead_letters
                remember_what_happened
                are_disabled_loudly
                say_who_did_what
                are_registered_once
            }
            browse {
                policies_are_found_by_holder_and_by_risk
                risks_are_found_by_cover_and_by_subject
                determinations_are_listed_newest_first
                claims_are_found_by_policy_holder_and_state
                a_claims_state_follows_what_becomes_of_it
                attestations_are_listed_newest_first
                deliveries_are_listed_and_resumed
                observations_are_listed_newest_first
            }
            grounds {
                say_what_was_heard
                say_what_followed
            }
            logs {
                has_every_decision_once
                tells_which_claims_wait
                is_held_for_a_person
                knows_who_signs
                keeps_what_was_signed
                proves_decisions
                refuses_what_is_too_long
                says_what_was_read
                says_what_was_looked_at
                says_how_policies_ended
                says_no_where_something_was_seen_only
            }
            nonces {
                are_taken_from_the_greater_count
                stay_with_their_delivery
                have_no_gaps_under_concurrency
            }
        }

        mod durability {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn everything_is_there_after_reopening() {
                $crate::conformance::durability::everything_is_there_after_reopening::<super::$backend>().await;
            }
        }

        mod random {
            #[test]
            fn statements_never_say_two_things() {
                $crate::conformance::statements::never_say_two_things::<super::$backend>();
            }

            #[test]
            fn operations_do_what_the_model_does() {
                $crate::conformance::random::operations_do_what_the_model_does::<super::$backend>();
            }
        }
    };
    (@each $backend:ident $($group:ident { $($check:ident)* })*) => {
        $(mod $group {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    use $crate::conformance::Backend as _;

                    let place = super::$backend::fresh().await;
                    let store = ::std::sync::Arc::new(place.open().await);
                    $crate::conformance::$group::$check(store).await;
                }
            )*
        })*
    };
}
