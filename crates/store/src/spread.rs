//! Hashing many things on all cores.

use core::future::poll_fn;
use core::task::Poll;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread;

/// Between so many, other tasks have their turn: some ten milliseconds of hashing.
const AT_A_TIME: usize = 4_096;
/// Between so many where others wait for this core to be told what to do next: less than a millisecond.
const AT_A_TIME_BESIDE: usize = 128;
/// Below so many, a thread costs more than it saves.
const WORTH_A_THREAD: usize = 256;

/// `work` on each of `items`, in their order.
pub async fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut done = Vec::with_capacity(items.len());
    for some in items.chunks(AT_A_TIME) {
        if !done.is_empty() {
            give_way().await;
        }
        if some.len() < WORTH_A_THREAD || cores == 1 {
            done.extend(some.iter().map(&work));
        } else {
            on_cores(some, cores, &work, &mut done);
        }
    }
    done
}

/// [`map`] on this core only, with turns for others between few: for work beside what keeps another core busy.
pub async fn beside<T, R>(items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    let mut done = Vec::with_capacity(items.len());
    for some in items.chunks(AT_A_TIME_BESIDE) {
        done.extend(some.iter().map(&work));
        give_way().await;
    }
    done
}

fn on_cores<T: Sync, R: Send>(
    items: &[T],
    cores: usize,
    work: &(impl Fn(&T) -> R + Sync),
    done: &mut Vec<R>,
) {
    thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(items.len().div_ceil(cores))
            .map(|share| scope.spawn(move || share.iter().map(work).collect::<Vec<R>>()))
            .collect();
        for share in shares {
            match share.join() {
                Ok(results) => done.extend(results),
                Err(panic) => resume_unwind(panic),
            }
        }
    });
}

/// Lets the other tasks of the runtime go first, once.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
