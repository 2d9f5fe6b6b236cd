package sim

import (
	"sync/atomic"
	"time"
)

// actor is who waits: its wake-ups never fall on the same nanosecond as another's.
type actor int64

const (
	// actors is how many there may be; kinds share them.
	actors  = 1 << 24
	kinds   = 8
	perKind = actors / kinds
	// turn is the time in which each actor has one nanosecond. Even ones are left to
	// those who do not know of this: the manager's own timers.
	turn = 2 * actors
)

// kind is what an actor is.
type kind int64

const (
	theDriver kind = iota // of whom there is one
	anEnvironment
	aStart
	aRepeat
	aFault
)

func (k kind) actor(n int) actor { return actor(int64(n)%perKind*kinds + int64(k)) }

// clock is simulated time.
type clock struct {
	born   time.Time
	digest atomic.Uint64 // of the events noted, whatever their order within a moment
}

// wait returns after d or as soon later as it is the actor's turn, 34 ms at most.
func (c *clock) wait(a actor, d time.Duration) {
	c.align(d, int64(a)*2+1, turn)
}

// step is wait for the driver, who has every turn of its kind.
func (c *clock) step(d time.Duration) { c.align(d, int64(theDriver)*2+1, 2*kinds) }

func (c *clock) align(d time.Duration, mine, cycle int64) {
	now := int64(time.Since(c.born))
	at := now + max(int64(d), 1)
	at += (mine - at%cycle + cycle) % cycle
	<-time.After(time.Duration(at - now))
}

// note puts an event into the digest.
func (c *clock) note(what string, about ...int) {
	h := mix(uint64(time.Since(c.born)))
	for _, b := range []byte(what) {
		h = mix(h ^ uint64(b))
	}
	for _, n := range about {
		h = mix(h ^ uint64(n))
	}
	c.digest.Add(h)
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// chance is a random number in [0, 1) that depends on nothing but its arguments, so
// that who asks first makes no difference.
func chance(seed uint64, about ...int) float64 {
	h := mix(seed)
	for _, n := range about {
		h = mix(h ^ uint64(n))
	}
	return float64(h>>11) / (1 << 53)
}
