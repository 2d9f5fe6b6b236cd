package fleet

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	var b bytes.Buffer
	for _, text := range []string{"", "x", string(make([]byte, dataMax))} {
		if err := writeFrame(&b, frameData, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := readFrameOf(&b, frameData); err != nil || string(got) != text {
			t.Errorf("%d bytes are read as %d, %v", len(text), len(got), err)
		}
	}
	if _, _, err := readFrame(&b); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if err := writeFrame(&b, frameData, make([]byte, frameMax+1)); !errors.Is(err, errFrame) {
		t.Errorf("a frame that is too large: %v", err)
	}
}

func FuzzEvent(f *testing.F) {
	var b bytes.Buffer
	if writeJSONFrame(&b, frameHead, event{RequestID: "id", Stream: true}) != nil || writeFrame(&b, framePayload, []byte("{}")) != nil {
		f.Fatal("the seed is not written")
	}
	f.Add(b.Bytes())
	f.Add([]byte("H\x00\x00\x00\x02{}P\xff\xff\xff\xff"))
	f.Add([]byte("P\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		inv, _, err := readEvent(bytes.NewReader(text))
		if err == nil && len(inv.Payload) > len(text) {
			t.Errorf("%d bytes became a payload of %d", len(text), len(inv.Payload))
		}
	})
}
