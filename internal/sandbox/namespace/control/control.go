// Package control is what the namespace driver and the init inside an environment
// say to each other: one message a datagram, over a sequenced-packet socket that
// also carries descriptors. It decides the encoding only.
//
// The init is started for every environment, so this package stays away from fmt,
// reflection and everything else that costs start-up time.
package control

// Kind is what a message asks or tells.
type Kind byte

// From the driver to the init.
const (
	Setup   Kind = 'S' // prepare and drop privileges; the first message
	Start   Kind = 'R' // run a process; carries its descriptors
	Signal  Kind = 'G' // signal a process that Start made
	KillAll Kind = 'K' // end every process but the init
	Freeze  Kind = 'F' // stop every process but the init
	Thaw    Kind = 'T' // let them go on
)

// From the driver to the spawner.
const Spawn Kind = 'P' // make process 1 of an environment; carries what it is made of

// From the init and the spawner to the driver.
const (
	Ready   Kind = 'r' // Setup is done
	Done    Kind = 'd' // the request Seq was carried out; Pid for a Start or a Spawn
	Refused Kind = 'e' // it was not: Errno and Text say why
	Exited  Kind = 'x' // process Pid ended with wait status Status
)

// MessageMax bounds one message. AWS bounds a function's environment at 4 KiB, and
// the socket's default buffer holds 208 KiB.
const MessageMax = 128 << 10

// FilesMax bounds the descriptors of one message; the kernel's own bound is 253.
const FilesMax = 32

// UserID and GroupID are the processes' as seen from inside: Lambda's sbx_user1051.
const (
	UserID  = 993
	GroupID = 990
)

// DescriptorFD is the init's and the spawner's end of the socket.
const DescriptorFD = 3

// Message is one message; which fields count depends on Kind.
type Message struct {
	Kind   Kind
	Seq    uint32
	Pid    uint32
	Status uint32 // a wait status, or the number of a signal
	Errno  uint32
	Text   string

	// Start. In a Spawn, Path is the name that process 1 goes by, Args are the places
	// of the mounts, UID and GID are the host's ids of root and the processes, Env are
	// the version 1 control group files to enter by and Dir is the version 2 group.
	Path string
	Dir  string
	Args []string // with the name of the program first
	Env  []string

	// Setup.
	Hostname  string
	UID, GID  uint32
	Flags     uint32
	FilesMax  uint32
	Processes uint32
	Filter    []byte   // a seccomp program as struct sock_filter's in memory order
	Masks     []string // paths below /proc to hide; "+" in front makes read-only
}

// The flags of Setup.
const (
	// SingleUser says that the environment has one user id only, which the init
	// shares: Hearth itself runs without root.
	SingleUser = 1 << iota
	// Loopback asks the init to bring up the loopback interface.
	Loopback
)

// Append adds the encoding of m to b.
func (m *Message) Append(b []byte) []byte {
	b = append(b, byte(m.Kind))
	for _, n := range m.numbers() {
		b = appendUint32(b, *n)
	}
	for _, s := range m.texts() {
		b = appendString(b, *s)
	}
	for _, l := range m.lists() {
		b = appendUint32(b, uint32(len(*l)))
		for _, s := range *l {
			b = appendString(b, s)
		}
	}
	return appendString(b, string(m.Filter))
}

// Parse decodes a message; ok is false when b is not one.
func Parse(b []byte) (m Message, ok bool) {
	r := reader{b: b, ok: true}
	m.Kind = Kind(r.byte())
	for _, n := range m.numbers() {
		*n = r.uint32()
	}
	for _, s := range m.texts() {
		*s = r.string()
	}
	for _, l := range m.lists() {
		n := r.uint32()
		if uint64(n)*4 > uint64(len(r.b)) {
			return Message{}, false // more entries than bytes to hold them
		}
		for range n {
			*l = append(*l, r.string())
		}
	}
	m.Filter = []byte(r.string())
	return m, r.ok && len(r.b) == 0
}

func (m *Message) numbers() []*uint32 {
	return []*uint32{&m.Seq, &m.Pid, &m.Status, &m.Errno, &m.UID, &m.GID, &m.Flags, &m.FilesMax, &m.Processes}
}

func (m *Message) texts() []*string { return []*string{&m.Text, &m.Path, &m.Dir, &m.Hostname} }

func (m *Message) lists() []*[]string { return []*[]string{&m.Args, &m.Env, &m.Masks} }

func appendUint32(b []byte, n uint32) []byte {
	return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendString(b []byte, s string) []byte {
	return append(appendUint32(b, uint32(len(s))), s...)
}

type reader struct {
	b  []byte
	ok bool
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)) {
		r.ok, r.b = false, nil
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	p := r.take(4)
	if p == nil {
		return 0
	}
	return uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])
}

func (r *reader) string() string { return string(r.take(r.uint32())) }
