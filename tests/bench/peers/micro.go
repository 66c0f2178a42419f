// SPDX-License-Identifier: MIT

// micro's measurements for Go: the same operations, as its users write them, with goroutines for
// tasks and channels for what they wait for.
//
//	micro_go NAME [SIZE] ROUNDS OPERATIONS
//	micro_go --version
//
// Prints the ns per operation of each round, as JSON; of `fire` the CPU time of all in ms;
// of `sleepers` the bytes of each.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var size, rounds, operations int

// Calls fn, which does count operations, once to warm up and once for each round.
func eachRound(fn func(), count int) []float64 {
	var row []float64
	for round := -1; round < rounds; round++ {
		start := time.Now()
		fn()
		if round >= 0 {
			row = append(row, float64(time.Since(start).Nanoseconds())/float64(count))
		}
	}
	return row
}

// How often something of size parts is done to make operations of them.
func turns() int {
	if operations/size > 1 {
		return operations / size
	}
	return 1
}

// A goroutine gives way once, among size that do nothing else.
func yield() []float64 {
	var over bool // written and read by one thread: GOMAXPROCS is 1 here
	var others sync.WaitGroup
	runtime.GOMAXPROCS(1)
	for i := 1; i < size; i++ {
		others.Add(1)
		go func() {
			for !over {
				runtime.Gosched()
			}
			others.Done()
		}()
	}
	row := eachRound(func() {
		for i := turns(); i > 0; i-- {
			runtime.Gosched()
		}
	}, turns()*size)
	over = true
	others.Wait()
	return row
}

// A goroutine that returns at once is created and waited for.
func spawn() []float64 {
	return eachRound(func() {
		for i := 0; i < operations; i++ {
			done := make(chan struct{})
			go close(done)
			<-done
		}
	}, operations)
}

// A future, a channel with room for one, is created, another goroutine sets it, and it is received
// from.
func future() []float64 {
	unset := make(chan chan int)
	go func() {
		for future := range unset {
			future <- 1
		}
	}()
	return eachRound(func() {
		for i := 0; i < operations; i++ {
			future := make(chan int, 1)
			unset <- future
			<-future
		}
	}, operations)
}

// size goroutines that return at once are created and waited for; counted by goroutine.
func gather() []float64 {
	return eachRound(func() {
		for i := turns(); i > 0; i-- {
			var all sync.WaitGroup
			all.Add(size)
			for j := 0; j < size; j++ {
				go all.Done()
			}
			all.Wait()
		}
	}, turns()*size)
}

// An item goes from one goroutine to another, through a channel with room for size.
func queue() []float64 {
	items := make(chan int, size)
	return eachRound(func() {
		done := make(chan struct{})
		go func() {
			for i := 0; i < operations; i++ {
				<-items
			}
			close(done)
		}()
		for i := 0; i < operations; i++ {
			items <- i
		}
		<-done
	}, operations)
}

// size goroutines, each acquires it, yields and releases it, over and over.
func lock() []float64 {
	var mutex sync.Mutex
	return eachRound(func() {
		var all sync.WaitGroup
		all.Add(size)
		for i := 0; i < size; i++ {
			go func() {
				for j := turns(); j > 0; j-- {
					mutex.Lock()
					runtime.Gosched()
					mutex.Unlock()
				}
				all.Done()
			}()
		}
		all.Wait()
	}, turns()*size)
}

func never() {
	panic("a timer fired that should not")
}

func seconds(least, span float64) time.Duration {
	return time.Duration((least + span*rand.Float64()) * 1e9)
}

// One is added and an older one is cancelled, while size others are pending.
func timer() []float64 {
	var pending, young []*time.Timer
	for i := 0; i < size; i++ {
		pending = append(pending, time.AfterFunc(seconds(1000, 1100), never))
	}
	for i := 0; i < 1024; i++ {
		young = append(young, time.AfterFunc(seconds(500, 1), never))
	}
	row := eachRound(func() {
		for i := 0; i < operations; i++ {
			young[i%1024].Stop()
			young[i%1024] = time.AfterFunc(seconds(500, 1100), never)
		}
	}, operations)
	for _, t := range append(pending, young...) {
		t.Stop()
	}
	return row
}

func cpuMs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

// size timers with deadlines anywhere in the next size us, until the last has run.
func fire() []float64 {
	var row []float64
	for i := 0; i < rounds; i++ {
		var all sync.WaitGroup
		start := cpuMs()
		all.Add(size)
		for j := 0; j < size; j++ {
			time.AfterFunc(seconds(0, float64(size)*1e-6), all.Done)
		}
		all.Wait()
		row = append(row, cpuMs()-start)
	}
	return row
}

// Another goroutine hands this one size callbacks in a row; counted by callback.
func threadsafe() []float64 {
	calls := make(chan func(), size)
	wanted := make(chan struct{})
	arrived := 0
	go func() {
		runtime.LockOSThread() // a thread of its own, as for the others
		for range wanted {
			for i := 0; i < size; i++ {
				calls <- func() { arrived++ }
			}
		}
	}()
	return eachRound(func() {
		for i := turns(); i > 0; i-- {
			wanted <- struct{}{}
			for arrived = 0; arrived < size; {
				(<-calls)()
			}
		}
	}, turns()*size)
}

func rssBytes() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") {
			return number(strings.Fields(line)[1]) * 1024
		}
	}
	panic("no VmRSS")
}

// Resident bytes of each of size goroutines asleep.
func sleepers() []float64 {
	before := rssBytes()
	for i := 0; i < size; i++ {
		go time.Sleep(time.Hour)
	}
	runtime.GOMAXPROCS(1)
	runtime.Gosched()
	return []float64{float64(rssBytes()-before) / float64(size)}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return n
}

func main() {
	all := map[string]struct {
		fn    func() []float64
		sized bool
	}{
		"yield": {yield, true}, "spawn": {spawn, false}, "future": {future, false},
		"gather": {gather, true}, "queue": {queue, true}, "lock": {lock, true},
		"timer": {timer, true}, "fire": {fire, true}, "threadsafe": {threadsafe, true},
		"sleepers": {sleepers, true},
	}
	words := os.Args[1:]
	if len(words) == 1 && words[0] == "--version" {
		fmt.Println("Go", runtime.Version()[2:])
		return
	}
	if len(words) < 3 || all[words[0]].fn == nil {
		fmt.Fprintln(os.Stderr, "usage: micro_go NAME [SIZE] ROUNDS OPERATIONS")
		os.Exit(2)
	}
	measure := all[words[0]]
	if measure.sized {
		size = number(words[1])
		words = words[1:]
	}
	rounds, operations = number(words[1]), number(words[2])
	if err := json.NewEncoder(os.Stdout).Encode(measure.fn()); err != nil {
		panic(err)
	}
}
