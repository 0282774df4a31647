package e2e

import (
	"time"

	"github.com/netraven/netraven/lab"
)

// watchSessions samples how many sessions all devices have open; the answer stops it and gives the most it saw.
func watchSessions(l *lab.Lab) func() int {
	stop, most := make(chan struct{}), make(chan int)
	go func() {
		seen := 0
		for {
			sum := 0
			for _, d := range l.Devices() {
				sum += d.Counters().Sessions
			}
			seen = max(seen, sum)
			select {
			case <-stop:
				most <- seen
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int {
		close(stop)
		return <-most
	}
}
