package relay

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// errMessage says that a message is not what its frame promised.
var errMessage = errors.New("relay: the message is malformed")

// encoder appends the parts of a message. Texts go as their bytes: headers need not be
// UTF-8, and are under the signature.
type encoder struct{ b []byte }

func (e *encoder) number(n int64) { e.b = binary.AppendVarint(e.b, n) }

func (e *encoder) text(s string) {
	e.number(int64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) flag(v bool) {
	if v {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

func (e *encoder) header(h http.Header) {
	e.number(int64(len(h)))
	for name, values := range h {
		e.text(name)
		e.number(int64(len(values)))
		for _, v := range values {
			e.text(v)
		}
	}
}

// decoder takes a message apart. After the first part that is not there all others are
// empty.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

// count is a number of things that take at least a byte each.
func (d *decoder) count() int {
	n := d.number()
	if n < 0 || n > int64(len(d.b)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() string { return string(d.bytes()) }

func (d *decoder) flag() bool {
	if len(d.b) == 0 || d.b[0] > 1 {
		d.fail()
		return false
	}
	v := d.b[0] == 1
	d.b = d.b[1:]
	return v
}

func (d *decoder) header() http.Header {
	n := d.count()
	h := make(http.Header, n)
	for range n {
		name := d.text()
		values := make([]string, d.count())
		for i := range values {
			values[i] = d.text()
		}
		h[name] = values
	}
	return h
}

func (d *decoder) fail() { d.b, d.failed = nil, true }

// done says whether the message was whole and nothing is left of it.
func (d *decoder) done() error {
	if d.failed || len(d.b) > 0 {
		return errMessage
	}
	return nil
}

// head is a request without its payload.
type head struct {
	Method, URI, Host, Remote string
	Header                    http.Header
	ContentLength             int64 // as announced; -1 when it was not
	Size                      int
	SHA256                    [32]byte
	Fault                     string
	TooLarge, Incomplete      bool
}

func (m *head) encode(e *encoder) {
	e.text(m.Method)
	e.text(m.URI)
	e.text(m.Host)
	e.text(m.Remote)
	e.header(m.Header)
	e.number(m.ContentLength)
	e.number(int64(m.Size))
	e.b = append(e.b, m.SHA256[:]...)
	e.text(m.Fault)
	e.flag(m.TooLarge)
	e.flag(m.Incomplete)
}

func decodeHead(b []byte) (m head, err error) {
	d := decoder{b: b}
	m.Method, m.URI, m.Host, m.Remote = d.text(), d.text(), d.text(), d.text()
	m.Header = d.header()
	m.ContentLength, m.Size = d.number(), int(d.number())
	if n := copy(m.SHA256[:], d.b); n < len(m.SHA256) {
		d.fail()
	} else {
		d.b = d.b[n:]
	}
	m.Fault, m.TooLarge, m.Incomplete = d.text(), d.flag(), d.flag()
	if m.Size < 0 {
		d.fail()
	}
	return m, d.done()
}

// run tells where an event is to run. Times are spans: clocks differ.
type run struct {
	Round int64 // counts within the invoke
	To    lambda.Address
	Left  time.Duration // until the deadline
	// Invocation has what goes with the event. Its payload is empty, except when it
	// stands in for an empty one.
	Invocation lambda.Invocation
}

func (m *run) encode(e *encoder) {
	e.number(m.Round)
	e.text(m.To.Worker)
	e.text(m.To.Name)
	e.text(m.To.Session)
	e.text(string(m.To.Environment))
	e.number(int64(m.Left))
	inv := &m.Invocation
	e.text(string(inv.RequestID))
	e.text(inv.InvokedFunctionARN)
	e.text(inv.TraceID)
	e.text(inv.ClientContext)
	e.text(inv.TenantID)
	e.text(string(inv.Payload))
	e.flag(inv.Tail)
}

func decodeRun(b []byte) (m run, err error) {
	d := decoder{b: b}
	m.Round = d.number()
	m.To.Worker, m.To.Name, m.To.Session, m.To.Environment = d.text(), d.text(), d.text(), lambda.SandboxID(d.text())
	m.Left = time.Duration(d.number())
	inv := &m.Invocation
	inv.RequestID, inv.InvokedFunctionARN = lambda.RequestID(d.text()), d.text()
	inv.TraceID, inv.ClientContext, inv.TenantID = d.text(), d.text(), d.text()
	inv.Payload, inv.Tail = d.bytes(), d.flag()
	return m, d.done()
}

// ran tells how an event ran, without the answer's payload.
type ran struct {
	Round  int64
	Took   time.Duration // from the Invoke phase's beginning to its end
	Result lambda.Result
}

func (m *ran) encode(e *encoder) {
	e.number(m.Round)
	e.number(int64(m.Took))
	r := &m.Result
	e.text(r.FunctionError)
	e.text(r.ErrorType)
	e.text(string(r.LogTail))
	// Seldom there, and with parts of its own: the one thing that goes as JSON.
	var cold []byte
	if r.ColdStart != nil {
		cold, _ = json.Marshal(r.ColdStart) // of durations, it does not fail
	}
	e.text(string(cold))
}

func decodeRan(b []byte) (m ran, err error) {
	d := decoder{b: b}
	m.Round, m.Took = d.number(), time.Duration(d.number())
	r := &m.Result
	r.FunctionError, r.ErrorType = d.text(), d.text()
	if tail := d.bytes(); len(tail) > 0 {
		r.LogTail = tail
	}
	if cold := d.bytes(); len(cold) > 0 {
		r.ColdStart = &lambda.ColdStart{}
		if json.Unmarshal(cold, r.ColdStart) != nil {
			d.fail()
		}
	}
	return m, d.done()
}

// failed tells that an event did not run, or that nobody knows.
type failed struct {
	Round        int64
	NotDelivered bool // the function has certainly seen nothing
	Why          string
}

func (m *failed) encode(e *encoder) {
	e.number(m.Round)
	e.flag(m.NotDelivered)
	e.text(m.Why)
}

func decodeFailed(b []byte) (m failed, err error) {
	d := decoder{b: b}
	m.Round, m.NotDelivered, m.Why = d.number(), d.flag(), d.text()
	return m, d.done()
}

// answer is what the client gets.
type answer struct {
	Status int
	Header http.Header
	Held   bool // the payload is what the last round's environment answered
}

func (m *answer) encode(e *encoder) {
	e.number(int64(m.Status))
	e.header(m.Header)
	e.flag(m.Held)
}

func decodeAnswer(b []byte) (m answer, err error) {
	d := decoder{b: b}
	m.Status, m.Header, m.Held = int(d.number()), d.header(), d.flag()
	if m.Status < 200 || m.Status > 599 {
		d.fail()
	}
	return m, d.done()
}
