package relay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

func samples() map[byte]message {
	return map[byte]message{
		frameHead: &head{
			Method: "POST", URI: "/2015-03-31/functions/f/invocations?Qualifier=1", Host: "h:1", Remote: "[::1]:9",
			Header: http.Header{"Authorization": {"AWS4"}, "X-Two": {"a", "\xff"}, "X-None": {}}, ContentLength: -1,
			Size: 3, SHA256: [32]byte{1, 2, 31: 9}, Fault: "no", TooLarge: true, Incomplete: true,
		},
		frameRun: &run{
			Round: 2, To: lambda.Address{Worker: "w:1", Name: "w", Session: "s", Environment: "e"}, Left: 3 * time.Second,
			Invocation: lambda.Invocation{
				RequestID: "r", InvokedFunctionARN: "arn", TraceID: "t", ClientContext: `{"a":"ä"}`, TenantID: "x",
				Payload: []byte("{}"), Tail: true,
			},
		},
		frameRan: &ran{Round: 1, Took: time.Millisecond, Result: lambda.Result{
			FunctionError: "Unhandled", ErrorType: "E", LogTail: []byte("REPORT"),
			ColdStart: coldStart(),
		}},
		frameFailed: &failed{Round: 7, NotDelivered: true, Why: "lost"},
		frameAnswer: &answer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Held: true},
	}
}

// coldStart has every part that there is, so that a new one is not forgotten here.
func coldStart() *lambda.ColdStart {
	c := &lambda.ColdStart{}
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(i + 1))
	}
	return c
}

// decode is the message of a frame, as a pointer.
func decode(kind byte, b []byte) (message, error) {
	switch kind {
	case frameHead:
		m, err := decodeHead(b)
		return &m, err
	case frameRun:
		m, err := decodeRun(b)
		return &m, err
	case frameRan:
		m, err := decodeRan(b)
		return &m, err
	case frameFailed:
		m, err := decodeFailed(b)
		return &m, err
	case frameAnswer:
		m, err := decodeAnswer(b)
		return &m, err
	}
	return nil, errFrame
}

func TestMessagesArriveAsTheyWereSent(t *testing.T) {
	for kind, want := range samples() {
		var wire bytes.Buffer
		f := framed{r: bufio.NewReader(&wire), w: &wire}
		payload := []byte(strings.Repeat("p", rand.IntN(3*scratchMax)))
		if err := f.send(kind, want, payload, true); err != nil {
			t.Fatal(err)
		}
		got, b, err := f.read()
		if err != nil || got != kind {
			t.Fatalf("%q: got a %q, %v", kind, got, err)
		}
		m, err := decode(kind, b)
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%q: got %+v, %v, want %+v", kind, m, err, want)
		}
		if got, b, err := f.read(); err != nil || got != frameData || !bytes.Equal(b, payload) {
			t.Errorf("%q: the payload is %d bytes in a %q, %v", kind, len(b), got, err)
		}
		if _, _, err := f.read(); !errors.Is(err, io.EOF) {
			t.Errorf("%q: after it %v", kind, err)
		}
		for n := range len(b) {
			if _, err := decode(kind, b[:n]); err == nil {
				t.Errorf("%q: %d of %d bytes are taken for the whole", kind, n, len(b))
			}
		}
	}
}

func TestFramesThatAreTooLargeAreRefused(t *testing.T) {
	f := framed{r: bufio.NewReader(strings.NewReader("D\xff\xff\xff\xff")), w: io.Discard}
	if _, _, err := f.read(); err == nil {
		t.Error("it was read")
	}
	if err := f.sendData(make([]byte, frameMax+1)); err == nil {
		t.Error("it was sent")
	}
}

func FuzzMessages(f *testing.F) {
	for kind, m := range samples() {
		var e encoder
		m.encode(&e)
		f.Add(kind, e.b)
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		m, err := decode(kind, b)
		if err != nil {
			return
		}
		var e encoder
		m.encode(&e)
		again, err := decode(kind, e.b)
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("D\x00\x00\x00\x03abcp\x00\x00\x00\x00"))
	f.Add([]byte("D\x00\x7f\xff\xffabc"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		c := framed{r: bufio.NewReader(bytes.NewReader(b))}
		for {
			if _, _, err := c.read(); err != nil {
				return
			}
		}
	})
}
