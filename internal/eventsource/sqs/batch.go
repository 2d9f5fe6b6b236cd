package sqs

import (
	"bytes"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// item is one message on its way to the function.
type item struct {
	message types.Message
	record  []byte // JSON
	group   string // FIFO queues
}

const (
	eventHead = `{"Records":[`
	eventTail = `]}`
	// eventMax bounds a batch's event (Lambda developer guide, "Batching behavior":
	// 6 MB).
	eventMax = lambda.PayloadMax
)

// sizeIn is what a record adds to an event.
func (i *item) sizeIn() int { return len(i.record) + 1 } // the comma

// cut divides what was gathered into batches that a function can be given, in
// order: each as large as may be.
func cut(items []item, countMax, bytesMax int) [][]item {
	var out [][]item
	start, size := 0, len(eventHead)+len(eventTail)
	for i := range items {
		n := items[i].sizeIn()
		if i > start && (i-start == countMax || size+n > bytesMax) {
			out = append(out, items[start:i])
			start, size = i, len(eventHead)+len(eventTail)
		}
		size += n
	}
	if start < len(items) {
		out = append(out, items[start:])
	}
	return out
}

// event is a batch as the function gets it.
func event(items []item) []byte {
	var b bytes.Buffer
	b.WriteString(eventHead)
	for i := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(items[i].record)
	}
	b.WriteString(eventTail)
	return b.Bytes()
}
