package queue

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// receipt names one receive of one message: the message's receive count tells a
// receipt from those of earlier receives, and the lane from another queue's.
type receipt struct {
	lane, seq int64
	receives  int32
}

const (
	receiptBytes = 20
	// receiptCode is how much of the code is kept: 128 bits cannot be guessed.
	receiptCode = 16
)

// print makes the receipt's text, with a code that only this engine can make.
func (e *Engine) print(r receipt) string {
	var b [receiptBytes + sha256.Size]byte
	r.put(b[:])
	m := hmac.New(sha256.New, e.key)
	m.Write(b[:receiptBytes])
	m.Sum(b[:receiptBytes])
	return base64.RawURLEncoding.EncodeToString(b[:receiptBytes+receiptCode])
}

func (r receipt) put(b []byte) {
	binary.BigEndian.PutUint64(b, uint64(r.lane))
	binary.BigEndian.PutUint64(b[8:], uint64(r.seq))
	binary.BigEndian.PutUint32(b[16:], uint32(r.receives))
}

// parse reads a receipt's text, or says ErrReceipt.
func (e *Engine) parse(s string) (receipt, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != receiptBytes+receiptCode {
		return receipt{}, ErrReceipt
	}
	r := receipt{
		lane:     int64(binary.BigEndian.Uint64(b)),
		seq:      int64(binary.BigEndian.Uint64(b[8:])),
		receives: int32(binary.BigEndian.Uint32(b[16:])),
	}
	if !hmac.Equal([]byte(s), []byte(e.print(r))) {
		return receipt{}, ErrReceipt
	}
	return r, nil
}
