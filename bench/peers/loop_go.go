// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The weir authors

// bench/peers/loop_go.go: the workloads of bench/loop_run.c in Go, in a program of its own.
// bench/peers/loop_go.c runs it and reads its one line.
//
//	loop-go WORKLOAD NUMBER SECONDS
//
// NUMBER: of producers, of timers, or under way. The line: "ok", operations in the window, its length in ns,
// and the row's value; or "failed" and why. serve: "ok" and the port, idle: "ok"; they end with
// their input.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const nodes = 4096

// ---- time ----

var begun = time.Now()

func now() uint64 {
	return uint64(time.Since(begun))
}

// Of all threads; there is one that runs goroutines.
func cpu() uint64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return uint64(used.Utime.Nano() + used.Stime.Nano())
}

func sleep(seconds float64) {
	time.Sleep(time.Duration(seconds * 1e9))
}

// ---- post ----

type item struct {
	run   func(*item)
	value uint64
	_     [48]byte
}

// The loop is a goroutine that reads a channel, of as many as may be under way.
func post(producers int, seconds float64) {
	posted := make(chan *item, nodes)
	last := make([]uint64, producers)
	var count, taken, wrong uint64
	take := func(it *item) {
		producer, sequence := it.value%8, it.value/8
		if sequence != last[producer]+1 {
			wrong++
		}
		last[producer] = sequence
		if count++; count%64 == 0 {
			atomic.StoreUint64(&taken, count)
		}
	}
	for p := 0; p < producers; p++ {
		go func(p uint64) {
			mine := make([]item, 2*nodes)
			for sequence := uint64(1); ; sequence++ {
				it := &mine[sequence%(2*nodes)]
				it.run = take
				it.value = sequence*8 + p
				posted <- it
			}
		}(uint64(p))
	}
	go func() {
		for it := range posted {
			it.run(it)
		}
	}()
	sleep(seconds * 0.15)
	before, begin := atomic.LoadUint64(&taken), now()
	sleep(seconds)
	total, took := atomic.LoadUint64(&taken)-before, now()-begin
	if atomic.LoadUint64(&wrong) > 0 {
		fmt.Println("failed order broken")
		return
	}
	fmt.Println("ok", total, took, float64(total)*1e3/float64(took))
}

// ---- timers ----

func afters(count int, from, to uint64) []time.Duration {
	all := make([]time.Duration, count)
	random := uint64(88172645463325252)
	for i := range all {
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		all[i] = time.Duration(from + random%(to-from))
	}
	return all
}

func timers(workload string, count int) {
	from, to := uint64(5e9), uint64(60e9)
	if workload == "fire" {
		from, to = 1e6, uint64(count)*1000
	}
	after := afters(count, from, to)
	all := make([]*time.Timer, count)
	left := int64(count)
	over := make(chan bool, 1)
	fired := func() {
		if atomic.AddInt64(&left, -1) == 0 {
			over <- true
		}
	}
	insert := func() {
		for i := range all {
			all[i] = time.AfterFunc(after[i], fired)
		}
	}
	if workload == "cancel" || workload == "rearm" {
		insert()
		runtime.Gosched()
	}
	begin, used := now(), cpu()
	switch workload {
	case "cancel":
		for _, timer := range all {
			timer.Stop()
		}
	case "rearm":
		for i, timer := range all {
			timer.Reset(after[i] + 30*time.Second)
		}
	case "fire":
		insert()
		<-over
	default:
		insert()
	}
	runtime.Gosched()
	used = cpu() - used
	if workload != "fire" && atomic.LoadInt64(&left) != int64(count) {
		fmt.Println("failed a timer fired too early")
		return
	}
	fmt.Println("ok", count, now()-begin, float64(used)/float64(count))
}

// ---- a server ----

func echo(connection net.Conn) {
	buffer := make([]byte, 1024)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			connection.Close()
			return
		}
		if _, err = connection.Write(buffer[:n]); err != nil {
			connection.Close()
			return
		}
	}
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go echo(connection)
		}
	}()
	fmt.Println("ok", listener.Addr().(*net.TCPAddr).Port)
	os.Stdin.Read(make([]byte, 1))
}

// ---- offload ----

// A goroutine for each, which is no thread; the answer comes by a channel.
func offload(count int, seconds float64) {
	answers := make(chan int, count)
	worked := make([]uint64, 8*count)
	work := func(i int) {
		worked[8*i]++
		answers <- i
	}
	for i := 0; i < count; i++ {
		go work(i)
	}
	warm := now() + uint64(seconds*0.15e9)
	begin, total := uint64(0), uint64(0)
	for done := uint64(1); ; done++ {
		go work(<-answers)
		if done%16 != 0 {
			continue
		}
		if at := now(); begin == 0 && at >= warm {
			begin, total = at, done
		} else if begin != 0 && at-begin >= uint64(seconds*1e9) {
			total, begin = done-total, at-begin
			break
		}
	}
	fmt.Println("ok", total, begin, float64(begin)/float64(total))
}

func idle() {
	reader, _, err := os.Pipe()
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	go reader.Read(make([]byte, 1))
	time.AfterFunc(time.Hour, func() {})
	sleep(0.01)
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
	case "post":
		post(number, seconds)
	case "insert", "cancel", "rearm", "fire":
		timers(os.Args[1], number)
	case "serve":
		serve()
	case "offload":
		offload(number, seconds)
	case "idle":
		idle()
	default:
		fmt.Println("failed no such workload")
	}
}
