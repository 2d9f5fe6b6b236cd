// Package rpc is how Hearth's processes on several machines know each other: an
// authority that issues certificates, tokens that let a stranger ask for its first one,
// and ordinary HTTP/1.1 between processes of which both sides show a certificate.
//
// A certificate carries its holder's kind (the control process, a worker, a frontend)
// and name. Who listens says for each prefix of paths which kinds may ask there; who
// asks says which kind, and which name, it expects at an address.
//
// The control process opens an [Authority], makes a [Server] of Authority.Identity,
// lets strangers join there (Authority.Mount), and mounts what the other kinds may ask.
// A worker or frontend makes a [Client], calls Client.Join with a token, lets Client.Run
// renew its certificate, asks the control process through Client.Control and other
// processes through Client.Identity().Peer, and may listen with a Server of the same
// identity.
//
// It decides who is who. What is asked and answered, and when a silent peer is gone, is
// the affair of who asks and answers.
package rpc

import "time"

// Kind is what a process is in a Hearth.
type Kind string

// The kinds of processes.
const (
	Control  Kind = "control"
	Worker   Kind = "worker"
	Frontend Kind = "frontend"
)

func (k Kind) valid() bool { return k == Control || k == Worker || k == Frontend }

// host is the name that stands for a kind in certificates. It is no host name: a process
// is known by its authority, wherever it listens.
func (k Kind) host() string { return string(k) + ".hearth" }

const (
	// handshakeMax bounds the beginning of a connection and a request's head; a stranger
	// must not hold one.
	handshakeMax = 10 * time.Second
	// dialMax is how long a connection may take to come about: machines of one Hearth
	// answer within milliseconds, and somebody waits.
	dialMax = 5 * time.Second
	// idleMost is how long a connection waits for the next request, and idleKeep how long
	// the asked side keeps it: longer, so that it is the asker who closes.
	idleMost = time.Minute
	idleKeep = 3 * time.Minute
	// idleMax bounds the connections to one peer that wait for a request: about the
	// invokes that one machine runs at a time.
	idleMax = 512
	// connectionsMax bounds a server's connections: more than the requests under way
	// between the machines of one Hearth; beyond, newcomers are turned away.
	connectionsMax = 20_000
	// keepAlive is after how much silence TCP asks for a sign of life.
	keepAlive = 5 * time.Second
)
