//! Keccak-f[1600] of as many states as a register has words. Which registers there are is asked when the program runs.

use core::arch::x86_64::{__m256i, __m512i};

use alloy::primitives::B256;
use pulp::NullaryFnOnce;
use pulp::bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};
use pulp::x86::{V3, V4};

/// Bytes that a permutation takes in.
const RATE: usize = 136;

/// Words of a state.
const WORDS: usize = 25;

/// FIPS 202, 3.2.5: the constants of the rounds.
const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// The hashes of these messages; `None` where the processor has no such registers.
pub(super) fn each(messages: &[&[u8]]) -> Option<Vec<B256>> {
    match V4::try_new() {
        Some(machine) => Some(by(machine, messages)),
        None => Some(by(V3::try_new()?, messages)),
    }
}

/// The hashes as every kind of register that there is gives them.
#[cfg(test)]
pub(super) fn by_every_machine(messages: &[&[u8]]) -> Vec<Vec<B256>> {
    let wider = V4::try_new().map(|machine| by(machine, messages));
    let wide = V3::try_new().map(|machine| by(machine, messages));
    wider.into_iter().chain(wide).collect()
}

/// What a processor can do with a register of some words.
trait Machine: Copy {
    type Register: Pod;

    /// Words in a register.
    const LANES: usize;

    fn xor(self, one: Self::Register, other: Self::Register) -> Self::Register;

    /// `base` where `mask` has ones; else the opposite of `base` where `flip` has ones.
    fn chi(
        self,
        base: Self::Register,
        mask: Self::Register,
        flip: Self::Register,
    ) -> Self::Register;

    /// `LEFT` and `RIGHT` make 64.
    fn rotate<const LEFT: i32, const RIGHT: i32>(self, word: Self::Register) -> Self::Register;

    fn run(self, work: impl NullaryFnOnce<Output = ()>);
}

impl Machine for V3 {
    type Register = __m256i;
    const LANES: usize = 4;

    #[inline(always)]
    fn xor(self, one: __m256i, other: __m256i) -> __m256i {
        self.avx2._mm256_xor_si256(one, other)
    }

    #[inline(always)]
    fn chi(self, base: __m256i, mask: __m256i, flip: __m256i) -> __m256i {
        self.xor(base, self.avx2._mm256_andnot_si256(mask, flip))
    }

    #[inline(always)]
    fn rotate<const LEFT: i32, const RIGHT: i32>(self, word: __m256i) -> __m256i {
        let left = self.avx2._mm256_slli_epi64::<LEFT>(word);
        let right = self.avx2._mm256_srli_epi64::<RIGHT>(word);
        self.avx2._mm256_or_si256(left, right)
    }

    #[inline(always)]
    fn run(self, work: impl NullaryFnOnce<Output = ()>) {
        self.vectorize(work);
    }
}

impl Machine for V4 {
    type Register = __m512i;
    const LANES: usize = 8;

    #[inline(always)]
    fn xor(self, one: __m512i, other: __m512i) -> __m512i {
        self.avx512f._mm512_xor_si512(one, other)
    }

    #[inline(always)]
    fn chi(self, base: __m512i, mask: __m512i, flip: __m512i) -> __m512i {
        // The truth table of `base ^ (!mask & flip)`.
        self.avx512f
            ._mm512_ternarylogic_epi64::<0xd2>(base, mask, flip)
    }

    #[inline(always)]
    fn rotate<const LEFT: i32, const RIGHT: i32>(self, word: __m512i) -> __m512i {
        self.avx512f._mm512_rol_epi64::<LEFT>(word)
    }

    #[inline(always)]
    fn run(self, work: impl NullaryFnOnce<Output = ()>) {
        self.vectorize(work);
    }
}

fn by<M: Machine>(machine: M, messages: &[&[u8]]) -> Vec<B256> {
    let mut hashes = vec![B256::ZERO; messages.len()];
    machine.run(All {
        machine,
        messages,
        hashes: &mut hashes,
    });
    hashes
}

struct All<'a, M> {
    machine: M,
    messages: &'a [&'a [u8]],
    hashes: &'a mut [B256],
}

impl<M: Machine> NullaryFnOnce for All<'_, M> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let messages = self.messages.chunks(M::LANES);
        for (messages, hashes) in messages.zip(self.hashes.chunks_mut(M::LANES)) {
            side_by_side(self.machine, messages, hashes);
        }
    }
}

/// Hashes no more messages than there are lanes.
#[inline(always)]
fn side_by_side<M: Machine>(machine: M, messages: &[&[u8]], hashes: &mut [B256]) {
    let mut state = [M::Register::zeroed(); WORDS];
    let blocks = messages.iter().map(|message| last_block(message) + 1);
    for block in 0..blocks.max().unwrap_or(0) {
        let words: &mut [u64] = cast_slice_mut(&mut state);
        for (lane, message) in messages.iter().enumerate() {
            absorb(words, M::LANES, lane, message, block);
        }
        permute(machine, &mut state);
        let words: &[u64] = cast_slice(&state);
        for (lane, (message, hash)) in messages.iter().zip(hashes.iter_mut()).enumerate() {
            if block == last_block(message) {
                let own = words.iter().skip(lane).step_by(M::LANES);
                for (bytes, word) in hash.0.as_chunks_mut::<8>().0.iter_mut().zip(own) {
                    *bytes = word.to_le_bytes();
                }
            }
        }
    }
}

/// A message always ends in a block that it does not fill.
fn last_block(message: &[u8]) -> usize {
    message.len() / RATE
}

/// Mixes a block of a message, if it has it, into the words of its lane.
#[inline(always)]
fn absorb(words: &mut [u64], lanes: usize, lane: usize, message: &[u8], block: usize) {
    let Some(rest) = message.get(block * RATE..) else {
        return;
    };
    let mut last = [0; RATE];
    let bytes = rest.first_chunk::<RATE>().unwrap_or_else(|| {
        for (to, from) in last.iter_mut().zip(rest.iter().chain(&[1])) {
            *to = *from;
        }
        last[RATE - 1] |= 0x80;
        &last
    });
    let own = words.iter_mut().skip(lane).step_by(lanes);
    for (word, bytes) in own.zip(bytes.as_chunks::<8>().0) {
        *word ^= u64::from_le_bytes(*bytes);
    }
}

/// FIPS 202, 3.3, of every lane.
#[inline(always)]
fn permute<M: Machine>(machine: M, state: &mut [M::Register; WORDS]) {
    for constant in ROUNDS {
        let mut columns = [state[0]; 5];
        for (x, column) in columns.iter_mut().enumerate() {
            let upper = machine.xor(state[x], state[x + 5]);
            let lower = machine.xor(state[x + 10], state[x + 15]);
            *column = machine.xor(machine.xor(upper, lower), state[x + 20]);
        }
        for x in 0..5 {
            let turned = machine.rotate::<1, 63>(columns[(x + 1) % 5]);
            let mixed = machine.xor(columns[(x + 4) % 5], turned);
            for y in 0..5 {
                state[x + 5 * y] = machine.xor(state[x + 5 * y], mixed);
            }
        }
        let mut moved = state[1];
        macro_rules! to {
            ($($place:literal by $left:literal),*) => {
                $(
                    let here = state[$place];
                    state[$place] = machine.rotate::<$left, { 64 - $left }>(moved);
                    moved = here;
                )*
            };
        }
        to!(10 by 1, 7 by 3, 11 by 6, 17 by 10, 18 by 15, 3 by 21, 5 by 28, 16 by 36);
        to!(8 by 45, 21 by 55, 24 by 2, 4 by 14, 15 by 27, 23 by 41, 19 by 56, 13 by 8);
        to!(12 by 25, 2 by 43, 20 by 62, 14 by 18, 22 by 39, 9 by 61, 6 by 20);
        state[1] = machine.rotate::<44, 20>(moved);
        for y in 0..5 {
            let row: [M::Register; 5] = core::array::from_fn(|x| state[x + 5 * y]);
            for x in 0..5 {
                state[x + 5 * y] = machine.chi(row[x], row[(x + 1) % 5], row[(x + 2) % 5]);
            }
        }
        let words: &mut [u64] = cast_slice_mut(core::slice::from_mut(&mut state[0]));
        for word in words {
            *word ^= constant;
        }
    }
}
