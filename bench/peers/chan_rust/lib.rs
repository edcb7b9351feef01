// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

//! bench/peers/chan_rust/lib.rs: crossbeam-channel and std::sync::mpsc behind a C face. Each
//! function is one call of the channel's, on a reference that threads share.
//!
//! # Safety
//! Of all: `chan` came from the open function of its kind. Closing comes after the last send.
#![allow(clippy::missing_safety_doc)]

use crossbeam_channel::select;
use std::cell::UnsafeCell;
use std::os::raw::c_char;
use std::sync::mpsc;

/// What CHAN_ENDLESS is in C.
const ENDLESS: usize = usize::MAX;

#[no_mangle]
pub extern "C" fn chan_rust_versions() -> *const c_char {
    concat!(env!("CHAN_RUST_VERSIONS"), "\0").as_ptr() as *const c_char
}

// ---- crossbeam-channel ----

pub struct Cross {
    sender: UnsafeCell<Option<crossbeam_channel::Sender<usize>>>,
    receiver: crossbeam_channel::Receiver<usize>,
}

#[no_mangle]
pub extern "C" fn chan_cross_open(capacity: usize) -> *mut Cross {
    let (sender, receiver) = if capacity == ENDLESS {
        crossbeam_channel::unbounded()
    } else {
        crossbeam_channel::bounded(capacity)
    };
    let sender = UnsafeCell::new(Some(sender));
    Box::into_raw(Box::new(Cross { sender, receiver }))
}

#[no_mangle]
pub unsafe extern "C" fn chan_cross_send(chan: *const Cross, value: usize) -> bool {
    match &*(*chan).sender.get() {
        Some(sender) => sender.send(value).is_ok(),
        None => false,
    }
}

#[no_mangle]
pub unsafe extern "C" fn chan_cross_recv(chan: *const Cross, value: *mut usize) -> bool {
    match (*chan).receiver.recv() {
        Ok(came) => {
            *value = came;
            true
        }
        Err(_) => false,
    }
}

#[no_mangle]
pub unsafe extern "C" fn chan_cross_close(chan: *const Cross) {
    *(*chan).sender.get() = None;
}

#[no_mangle]
pub unsafe extern "C" fn chan_cross_select_2(chans: *const *const Cross) -> usize {
    let c = |i: usize| &(**chans.add(i)).receiver;
    select! {
        recv(c(0)) -> came => came.unwrap_or(0),
        recv(c(1)) -> came => came.unwrap_or(0),
    }
}

#[no_mangle]
pub unsafe extern "C" fn chan_cross_select_8(chans: *const *const Cross) -> usize {
    let c = |i: usize| &(**chans.add(i)).receiver;
    select! {
        recv(c(0)) -> came => came.unwrap_or(0),
        recv(c(1)) -> came => came.unwrap_or(0),
        recv(c(2)) -> came => came.unwrap_or(0),
        recv(c(3)) -> came => came.unwrap_or(0),
        recv(c(4)) -> came => came.unwrap_or(0),
        recv(c(5)) -> came => came.unwrap_or(0),
        recv(c(6)) -> came => came.unwrap_or(0),
        recv(c(7)) -> came => came.unwrap_or(0),
    }
}

// ---- std::sync::mpsc ----

enum StdSender {
    Bounded(mpsc::SyncSender<usize>),
    Endless(mpsc::Sender<usize>), // for one thread, before Rust 1.72
}

pub struct Std {
    sender: UnsafeCell<Option<StdSender>>,
    receiver: mpsc::Receiver<usize>,
}

#[no_mangle]
pub extern "C" fn chan_std_open(capacity: usize) -> *mut Std {
    let (sender, receiver) = if capacity == ENDLESS {
        let (sender, receiver) = mpsc::channel();
        (StdSender::Endless(sender), receiver)
    } else {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (StdSender::Bounded(sender), receiver)
    };
    let sender = UnsafeCell::new(Some(sender));
    Box::into_raw(Box::new(Std { sender, receiver }))
}

#[no_mangle]
pub unsafe extern "C" fn chan_std_send(chan: *const Std, value: usize) -> bool {
    match &*(*chan).sender.get() {
        Some(StdSender::Bounded(sender)) => sender.send(value).is_ok(),
        Some(StdSender::Endless(sender)) => sender.send(value).is_ok(),
        None => false,
    }
}

#[no_mangle]
pub unsafe extern "C" fn chan_std_recv(chan: *const Std, value: *mut usize) -> bool {
    match (*chan).receiver.recv() {
        Ok(came) => {
            *value = came;
            true
        }
        Err(_) => false,
    }
}

#[no_mangle]
pub unsafe extern "C" fn chan_std_close(chan: *const Std) {
    *(*chan).sender.get() = None;
}
