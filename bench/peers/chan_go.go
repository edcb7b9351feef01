// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/chan_go.go: the workloads of bench/chan.h between goroutines, in a program of its
// own: Go's runtime would not share a process with other threads' pinning. bench/peers/chan_go.c
// runs it and reads its one line.
//
//	chan-go WORKLOAD CAPACITY SENDERS RECEIVERS SECONDS
//
// The line: "ok", values received in the window, its length in ns, and of round trips (else 0) the
// ns of p50, p99 and p99.9; or "failed" and why.
package main

import (
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const mostProducers = 8

// A goroutine's own line: how far it is.
type progress struct {
	_    [64]byte
	done uint64
	_    [64]byte
}

type ledger struct {
	count, sum, wrong uint64
	last              [mostProducers]uint64
}

var stop uint32

func going(at *progress, done uint64) bool {
	atomic.StoreUint64(&at.done, done)
	return atomic.LoadUint32(&stop) == 0
}

func value(producer, sequence uint64) uint64 {
	return sequence<<6 | producer<<3
}

func (l *ledger) take(v uint64) {
	producer, sequence := v>>3%mostProducers, v>>6
	if sequence <= l.last[producer] {
		l.wrong++
	}
	l.last[producer] = sequence
	l.sum += sequence
	l.count++
}

// ---- time ----

var begun = time.Now()

func now() uint64 {
	return uint64(time.Since(begun))
}

// The cheapest of many readings, which is taken off of round trips.
func clockCost() uint64 {
	least := uint64(1 << 62)
	for i := 0; i < 100000; i++ {
		a := now()
		if b := now(); b-a < least {
			least = b - a
		}
	}
	return least
}

// Intervals, counted: within 1/2048 of their length.
type histogram struct {
	count  uint64
	bucket [2048 * 40]uint32
}

func (h *histogram) record(ns uint64) {
	shift := bits.Len64(ns|1) - 12
	if shift < 0 {
		shift = 0
	}
	index := uint64(shift)*2048 + ns>>shift
	if index >= uint64(len(h.bucket)) {
		index = uint64(len(h.bucket)) - 1
	}
	h.bucket[index]++
	h.count++
}

func (h *histogram) quantile(share float64) uint64 {
	below := uint64(0)
	for i, n := range h.bucket {
		below += uint64(n)
		if float64(below) >= share*float64(h.count) {
			if i < 4096 {
				return uint64(i)
			}
			return (uint64(i)%2048 + 2048) << (i/2048 - 1)
		}
	}
	return 0
}

// ---- workloads: each returns what was received and how much was sent ----

type work struct {
	capacity, senders, receivers int
	at                           []progress // senders, then receivers
	trips                        histogram
	group                        sync.WaitGroup
}

func (w *work) spawn(id int, body func(at *progress)) {
	w.group.Add(1)
	go func() {
		body(&w.at[id])
		w.group.Done()
	}()
}

func (w *work) pass() (func() []ledger, []uint64) {
	c := make(chan uint64, w.capacity)
	ledgers := make([]ledger, w.receivers)
	put := make([]uint64, w.senders)
	var senders sync.WaitGroup

	for id := 0; id < w.senders; id++ {
		id := id
		senders.Add(1)
		w.spawn(id, func(at *progress) {
			sent := uint64(0)
			for going(at, 0) {
				for i := 0; i < 64; i++ {
					sent++
					c <- value(uint64(id), sent)
				}
			}
			put[id] = sent
			senders.Done()
		})
	}
	for id := 0; id < w.receivers; id++ {
		id := id
		w.spawn(w.senders+id, func(at *progress) {
			var l ledger
			for v := range c {
				l.take(v)
				if l.count%64 == 0 {
					going(at, l.count)
				}
			}
			ledgers[id] = l
		})
	}
	go func() {
		senders.Wait()
		close(c)
	}()
	return func() []ledger { return ledgers }, put
}

func (w *work) alone() (func() []ledger, []uint64) {
	c := make(chan uint64, w.capacity)
	var l ledger
	put := make([]uint64, 1)

	w.spawn(0, func(at *progress) {
		for going(at, l.count) {
			for i := 0; i < 64; i++ {
				put[0]++
				c <- value(0, put[0])
				l.take(<-c)
			}
		}
	})
	return func() []ledger { return []ledger{l} }, put
}

func (w *work) trip() (func() []ledger, []uint64) {
	there, back := make(chan uint64, w.capacity), make(chan uint64, w.capacity)
	var l ledger
	put := make([]uint64, 1)

	w.spawn(0, func(at *progress) {
		cost := clockCost()
		for going(at, l.count) {
			for i := 0; i < 64; i++ {
				put[0]++
				begin := now()
				there <- value(0, put[0])
				v := <-back
				took := now() - begin
				if took < cost {
					took = cost
				}
				w.trips.record(took - cost)
				l.take(v)
			}
		}
		close(there)
	})
	w.spawn(1, func(at *progress) {
		for v := range there {
			back <- v
		}
	})
	return func() []ledger { return []ledger{l} }, put
}

// selecting sends to `used` of the channels in turn, and at the end a 0 to each of them.
func (w *work) selecting(used []chan uint64, next func() uint64) (func() []ledger, []uint64) {
	var l ledger
	put := make([]uint64, 1)

	w.spawn(0, func(at *progress) {
		turn, sent := 0, uint64(0)
		for going(at, 0) {
			for i := 0; i < 64; i++ {
				sent++
				used[turn] <- value(uint64(turn), sent)
				turn++
				if turn == len(used) {
					turn = 0
				}
			}
		}
		put[0] = sent
		for _, c := range used {
			c <- 0
		}
	})
	w.spawn(1, func(at *progress) {
		for left := len(used); left > 0; {
			v := next()
			if v == 0 {
				left--
				continue
			}
			l.take(v)
			if l.count%64 == 0 {
				going(at, l.count)
			}
		}
	})
	return func() []ledger { return []ledger{l} }, put
}

func (w *work) select2() (func() []ledger, []uint64) {
	a, b := make(chan uint64, w.capacity), make(chan uint64, w.capacity)

	return w.selecting([]chan uint64{a, b}, func() (v uint64) {
		select {
		case v = <-a:
		case v = <-b:
		}
		return
	})
}

func (w *work) select8(used int) (func() []ledger, []uint64) {
	var c [8]chan uint64
	for i := range c {
		c[i] = make(chan uint64, w.capacity)
	}
	served := c[:]
	if used == 1 {
		served = c[4:5]
	}
	return w.selecting(served, func() (v uint64) {
		select {
		case v = <-c[0]:
		case v = <-c[1]:
		case v = <-c[2]:
		case v = <-c[3]:
		case v = <-c[4]:
		case v = <-c[5]:
		case v = <-c[6]:
		case v = <-c[7]:
		}
		return
	})
}

// ---- the run ----

func main() {
	if len(os.Args) != 6 {
		fmt.Println(runtime.Version())
		return
	}
	var w work
	var result func() []ledger
	var put []uint64

	w.capacity, _ = strconv.Atoi(os.Args[2])
	w.senders, _ = strconv.Atoi(os.Args[3])
	w.receivers, _ = strconv.Atoi(os.Args[4])
	seconds, _ := strconv.ParseFloat(os.Args[5], 64)
	w.at = make([]progress, w.senders+w.receivers+2)
	switch os.Args[1] {
	case "pass":
		result, put = w.pass()
	case "alone":
		result, put = w.alone()
	case "trip":
		result, put = w.trip()
	case "select-2":
		result, put = w.select2()
	case "select-8":
		result, put = w.select8(8)
	case "select-1-of-8":
		result, put = w.select8(1)
	default:
		fmt.Println("failed no such workload")
		return
	}

	count := func() (total uint64) {
		for i := range w.at {
			total += atomic.LoadUint64(&w.at[i].done)
		}
		return
	}
	time.Sleep(time.Duration(seconds * 0.15e9))
	begin, before := now(), count()
	time.Sleep(time.Duration(seconds * 1e9))
	end, after := now(), count()
	atomic.StoreUint32(&stop, 1)
	w.group.Wait()

	var sent, sentSum, got, gotSum, wrong uint64
	for _, n := range put {
		sent += n
		sentSum += n * (n + 1) / 2
	}
	for _, l := range result() {
		got += l.count
		gotSum += l.sum
		wrong += l.wrong
	}
	if sent != got || sentSum != gotSum || wrong > 0 {
		fmt.Printf("failed %d sent, %d came, %d in a wrong order\n", sent, got, wrong)
		return
	}
	fmt.Println("ok", after-before, end-begin,
		w.trips.quantile(0.5), w.trips.quantile(0.99), w.trips.quantile(0.999))
}
