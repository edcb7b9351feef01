// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/pool_go.go: the workloads of bench/pool_run.c with goroutines, in a program of its own.
// bench/peers/pool_go.c runs it and reads its one line.
//
//	pool-go WORKLOAD NUMBER SECONDS
//
// NUMBER: of producers, or of a loop's items. The line: "ok", operations in the window, its length
// in ns, and two values of the row; or "failed" and why. idle: "ok" when it begins; the program
// ends with its input.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	fibN   = 27
	spawns = 317810
	answer = 196418
	batch  = 10000
)

// ---- time ----

var begun = time.Now()

func now() uint64 {
	return uint64(time.Since(begun))
}

// ---- fork and join, loops ----

func fib(n uint) uint64 {
	if n < 2 {
		return uint64(n)
	}
	var group sync.WaitGroup
	var other uint64
	group.Add(1)
	go func() {
		other = fib(n - 2)
		group.Done()
	}()
	one := fib(n - 1)
	group.Wait()
	return one + other
}

func addRange(items []uint32, from int, k uint32) {
	for i := range items {
		items[i] = (items[i] + uint32(from+i)) % k
	}
}

// As many parts as processors.
func loop(items []uint32, k uint32) {
	parts := runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	group.Add(parts - 1)
	for p := 1; p < parts; p++ {
		from, to := len(items)*p/parts, len(items)*(p+1)/parts
		go func() {
			addRange(items[from:to], from, k)
			group.Done()
		}()
	}
	addRange(items[:len(items)/parts], 0, k)
	group.Wait()
}

// repeat calls it until the time is over. Returns how often, and how long it took.
func repeat(seconds float64, call func()) (uint64, uint64) {
	for warm := now() + uint64(seconds*0.15e9); ; {
		call()
		if now() >= warm {
			break
		}
	}
	rounds, begin := uint64(0), now()
	for {
		call()
		rounds++
		if took := now() - begin; took >= uint64(seconds*1e9) {
			return rounds, took
		}
	}
}

func divide(seconds float64) {
	wrong := false
	rounds, took := repeat(seconds, func() { wrong = wrong || fib(fibN) != answer })
	if wrong {
		fmt.Println("failed another number")
		return
	}
	fmt.Println("ok", rounds*spawns, took, float64(took)/float64(rounds*spawns), 0)
}

func each(n int, seconds float64) {
	items := make([]uint32, n)
	rounds, took := repeat(seconds, func() { loop(items, 1000003) })
	ns := float64(took) / float64(rounds)
	if n > 1000 {
		ns /= 1000 // us
	}
	fmt.Println("ok", rounds, took, ns, 0)
}

// ---- submit ----

type item struct {
	heard uint64
	_     [56]byte
}

func (j *item) tell() {
	atomic.StoreUint64(&j.heard, 1)
}

func submit(producers int, seconds float64) {
	items := make([][]item, producers)
	begin, end := make([]uint64, producers), make([]uint64, producers)
	for p := range items {
		items[p] = make([]item, batch)
	}
	var took []float64
	warm := now() + uint64(seconds*0.15e9)
	until := warm + uint64(seconds*1e9)
	for now() < until || len(took) == 0 {
		var group sync.WaitGroup
		var arrived int32
		produce := func(p int) {
			mine := items[p]
			for i := range mine {
				mine[i].heard = 0
			}
			atomic.AddInt32(&arrived, 1)
			for atomic.LoadInt32(&arrived) < int32(producers) {
				runtime.Gosched()
			}
			begin[p] = now()
			for i := range mine {
				go mine[i].tell()
			}
			end[p] = now()
			for i := range mine {
				for atomic.LoadUint64(&mine[i].heard) == 0 {
					runtime.Gosched()
				}
			}
			group.Done()
		}
		group.Add(producers)
		for p := 1; p < producers; p++ {
			go produce(p)
		}
		produce(0)
		group.Wait()
		first, last := begin[0], end[0]
		for p := range begin {
			if begin[p] < first {
				first = begin[p]
			}
			if end[p] > last {
				last = end[p]
			}
		}
		if now() >= warm {
			took = append(took, float64(last-first))
		}
	}
	sum := 0.0
	for _, ns := range took {
		sum += ns
	}
	sort.Float64s(took)
	jobs := float64(producers * batch)
	fmt.Println("ok", len(took)*producers*batch, uint64(sum), jobs*1e3/took[len(took)/2],
		jobs*1e3*float64(len(took))/sum)
}

func idle() {
	fib(20)
	fmt.Println("ok")
	os.Stdin.Read(make([]byte, 1))
}

func main() {
	if len(os.Args) != 4 {
		fmt.Println(runtime.Version())
		return
	}
	number, _ := strconv.Atoi(os.Args[2])
	seconds, _ := strconv.ParseFloat(os.Args[3], 64)
	switch os.Args[1] {
	case "fib":
		divide(seconds)
	case "for":
		each(number, seconds)
	case "submit":
		submit(number, seconds)
	case "idle":
		idle()
	default:
		fmt.Println("failed no such workload")
	}
}
