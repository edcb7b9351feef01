// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

//! bench/peers/loop_tokio/lib.rs: tokio's runtime of one thread behind the face of bench/loop.h.
//!
//! # Safety
//! What the C side passes lives until it is called, and only the loop's thread calls what is not
//! post().

use std::cell::UnsafeCell;
use std::future::Future;
use std::mem::MaybeUninit;
use std::net;
use std::os::raw::c_int;
use std::os::unix::io::{FromRawFd, RawFd};
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::task::unconstrained;
use tokio::time::{sleep_until, Instant, Sleep};

/// loop_post.
#[repr(C)]
pub struct Post {
    run: unsafe extern "C" fn(*mut Post),
    value: usize,
    heard: u64,
}

/// loop_work.
#[repr(C)]
pub struct Work {
    work: unsafe extern "C" fn(*mut Work),
    done: unsafe extern "C" fn(*mut Work),
    worked: u64,
}

/// loop_face.
#[repr(C)]
pub struct Face {
    post_bytes: usize,
    work_bytes: usize,
    open: extern "C" fn(u32) -> bool,
    run: extern "C" fn(),
    stop: extern "C" fn(),
    post: extern "C" fn(*mut Post),
    timers: extern "C" fn(usize),
    insert: unsafe extern "C" fn(*const u64, usize),
    cancel: extern "C" fn(usize),
    rearm: unsafe extern "C" fn(*const u64, usize),
    watch: unsafe extern "C" fn(*const c_int, usize),
    unwatch: extern "C" fn(usize),
    serve: extern "C" fn(c_int) -> bool,
    offload: extern "C" fn(*mut Work),
}

extern "C" {
    static mut bench_loop_left: u64;
    fn bench_loop_all_fired();
    fn bench_loop_readable(fd: c_int);
}

struct Lent<T>(*mut T);
unsafe impl<T> Send for Lent<T> {}
impl<T> Lent<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// Set by open(), before there is another thread that looks; the rest is of the loop's thread.
struct Loop {
    runtime: Runtime,
    sender: UnboundedSender<Lent<Post>>,
    receiver: Option<UnboundedReceiver<Lent<Post>>>,
    timers: Vec<MaybeUninit<Sleep>>,
    watched: Vec<AsyncFd<RawFd>>,
    in_done: bool,
    again: bool,
}

struct Place(UnsafeCell<Option<Loop>>);
unsafe impl Sync for Place {}
static PLACE: Place = Place(UnsafeCell::new(None));

fn the_loop() -> *mut Loop {
    match unsafe { &mut *PLACE.0.get() } {
        Some(it) => it,
        None => ptr::null_mut(),
    }
}

extern "C" fn open(workers: u32) -> bool {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(workers as usize)
        .build();
    let (sender, receiver) = unbounded_channel();
    if let Ok(runtime) = runtime {
        let it = Loop {
            runtime,
            sender,
            receiver: Some(receiver),
            timers: Vec::new(),
            watched: Vec::new(),
            in_done: false,
            again: false,
        };
        unsafe { *PLACE.0.get() = Some(it) };
        return true;
    }
    false
}

/// A task that runs what is posted.
async fn listen(mut receiver: UnboundedReceiver<Lent<Post>>) {
    while let Some(post) = receiver.recv().await {
        if post.get().is_null() {
            break;
        }
        unsafe { ((*post.get()).run)(post.get()) };
    }
}

extern "C" fn run() {
    let receiver = unsafe { (*the_loop()).receiver.take() };
    if let Some(receiver) = receiver {
        let runtime = unsafe { &(*the_loop()).runtime };
        let _ = runtime.block_on(async { tokio::spawn(listen(receiver)).await });
    }
}

extern "C" fn post(post: *mut Post) {
    let _ = unsafe { (*ptr::addr_of!((*the_loop()).sender)).send(Lent(post)) };
}

extern "C" fn stop() {
    post(ptr::null_mut());
}

// ---- wakers that are callbacks: no task around each timer and fd ----

static FIRED: RawWakerVTable =
    RawWakerVTable::new(|of| RawWaker::new(of, &FIRED), fired, fired, |_| ());

fn fired(_of: *const ()) {
    unsafe {
        bench_loop_left -= 1;
        if bench_loop_left == 0 {
            bench_loop_all_fired();
        }
    }
}

static READABLE: RawWakerVTable = RawWakerVTable::new(
    |of| RawWaker::new(of, &READABLE),
    readable,
    readable,
    |_| (),
);

fn readable(fd: *const ()) {
    unsafe { bench_loop_readable(fd as usize as c_int) };
}

static NOTHING: RawWakerVTable =
    RawWakerVTable::new(|of| RawWaker::new(of, &NOTHING), |_| (), |_| (), |_| ());

/// A future that calls once, and its poll.
struct Once<F>(Option<F>);
impl<F: FnOnce() + Unpin> Future for Once<F> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if let Some(call) = self.0.take() {
            call();
        }
        Poll::Ready(())
    }
}

/// Without the limit of how much a task may do at once.
fn without_budget<F: FnOnce() + Unpin>(call: F) {
    let waker = unsafe { Waker::from_raw(RawWaker::new(ptr::null(), &NOTHING)) };
    let mut whole = unconstrained(Once(Some(call)));
    let _ = Pin::new(&mut whole).poll(&mut Context::from_waker(&waker));
}

// ---- timers ----

extern "C" fn timers(n: usize) {
    unsafe { (*the_loop()).timers.resize_with(n, MaybeUninit::zeroed) };
}

unsafe extern "C" fn insert(after_ns: *const u64, n: usize) {
    let now = Instant::now();
    let timers = &mut (*the_loop()).timers;
    without_budget(|| {
        let waker = Waker::from_raw(RawWaker::new(ptr::null(), &FIRED));
        let mut context = Context::from_waker(&waker);
        for (i, timer) in timers.iter_mut().enumerate().take(n) {
            timer
                .as_mut_ptr()
                .write(sleep_until(now + Duration::from_nanos(*after_ns.add(i))));
            let _ = Pin::new_unchecked(&mut *timer.as_mut_ptr()).poll(&mut context);
        }
    });
}

extern "C" fn cancel(n: usize) {
    for timer in unsafe { (*the_loop()).timers.iter_mut().take(n) } {
        unsafe { timer.as_mut_ptr().drop_in_place() };
    }
}

unsafe extern "C" fn rearm(after_ns: *const u64, n: usize) {
    let now = Instant::now();
    for (i, timer) in (*the_loop()).timers.iter_mut().enumerate().take(n) {
        Pin::new_unchecked(&mut *timer.as_mut_ptr())
            .reset(now + Duration::from_nanos(*after_ns.add(i)));
    }
}

// ---- fds ----

unsafe extern "C" fn watch(fds: *const c_int, n: usize) {
    let watched = &mut (*the_loop()).watched;
    without_budget(|| {
        for i in 0..n {
            let fd = *fds.add(i);
            let waker = Waker::from_raw(RawWaker::new(fd as usize as *const (), &READABLE));
            if let Ok(added) = AsyncFd::with_interest(fd, Interest::READABLE) {
                let _ = added.poll_read_ready(&mut Context::from_waker(&waker));
                watched.push(added);
            }
        }
    });
}

extern "C" fn unwatch(_n: usize) {
    unsafe { (*the_loop()).watched.clear() };
}

// ---- a server ----

async fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    let _ = stream.set_nodelay(true);
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                if stream.write_all(&buffer[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

extern "C" fn serve(listener: c_int) -> bool {
    let listener = unsafe { net::TcpListener::from_raw_fd(listener) };
    match TcpListener::from_std(listener) {
        Ok(listener) => {
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(echo(stream));
                }
            });
            true
        }
        Err(_) => false,
    }
}

// ---- offload ----

/// One task for all that follow one another.
extern "C" fn offload(work: *mut Work) {
    let it = the_loop();
    if unsafe { (*it).in_done } {
        unsafe { (*it).again = true };
        return;
    }
    let work = Lent(work);
    tokio::spawn(async move {
        loop {
            let there = Lent(work.get());
            let _ =
                tokio::task::spawn_blocking(move || unsafe { ((*there.get()).work)(there.get()) })
                    .await;
            let it = the_loop();
            unsafe {
                (*it).in_done = true;
                (*it).again = false;
                ((*work.get()).done)(work.get());
                (*it).in_done = false;
                if !(*it).again {
                    return;
                }
            }
        }
    });
}

static FACE: Face = Face {
    post_bytes: std::mem::size_of::<Post>(),
    work_bytes: std::mem::size_of::<Work>(),
    open,
    run,
    stop,
    post,
    timers,
    insert,
    cancel,
    rearm,
    watch,
    unwatch,
    serve,
    offload,
};

#[no_mangle]
pub extern "C" fn loop_tokio_face() -> *const Face {
    &FACE
}

#[no_mangle]
pub extern "C" fn loop_tokio_version() -> *const u8 {
    concat!(env!("LOOP_TOKIO_VERSION"), "\0").as_ptr()
}
