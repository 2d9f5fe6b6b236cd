package queue

import (
	"errors"
	"fmt"
	"time"
)

// The errors of this package.
var (
	ErrNoQueue  = errors.New("queue: no such queue")
	ErrExists   = errors.New("queue: the queue exists with other settings")
	ErrClosed   = errors.New("queue: closed")
	ErrTooLarge = errors.New("queue: a message is larger than MessageMax")
	// ErrReceipt says that a text was never a receipt of this queue.
	ErrReceipt = errors.New("queue: not a receipt of this queue")
	// ErrStale says that the message was received again since, or is gone; in a FIFO
	// queue also that its visibility timeout has passed.
	ErrStale = errors.New("queue: the receipt is no longer valid")
	// ErrGone is the ErrStale of a message that is not there any more.
	ErrGone = fmt.Errorf("%w: the message is gone", ErrStale)
	// ErrNotInFlight says that the message's visibility timeout has passed already.
	ErrNotInFlight = errors.New("queue: the message is not in flight")
	// ErrOverLimit says that as many messages are in flight as the receiver allows.
	ErrOverLimit = errors.New("queue: too many messages are in flight")
	// ErrNoOrigin says that a message did not come from another queue, or that the
	// queue is gone.
	ErrNoOrigin = errors.New("queue: a message has no queue to go back to")
)

const (
	// InlineMax is the largest body that lies in the database, in bytes; larger ones
	// would be copied again by every checkpoint of the log.
	InlineMax = 32 << 10
	// MessageMax bounds one message's body, in bytes: an asynchronous event and an
	// SQS message are at most 1 MiB.
	MessageMax = 1 << 20
	// ReceiveMax is the most messages of one Receive, as in SQS.
	ReceiveMax = 10
	// VisibilityMax is the longest visibility timeout, as in SQS.
	VisibilityMax = 12 * time.Hour
	// DedupWindow is how long a deduplication id is remembered, as in SQS.
	DedupWindow = 5 * time.Minute
	// RetentionDefault is how long messages are kept when the settings say nothing,
	// as in SQS.
	RetentionDefault = 4 * 24 * time.Hour
)

// Name names a queue. Kind keeps the queues of one service apart from another's.
type Name struct {
	Account string // 12 digits
	Region  string
	Kind    string // such as "sqs" or "async"
	Name    string
}

// Settings are what a queue is set to. The zero value is a standard queue that
// keeps messages for RetentionDefault.
type Settings struct {
	// FIFO keeps the order within a group, and never has two receivers hold messages
	// of one group at the same time. It cannot be changed.
	FIFO bool `json:"fifo,omitempty"`
	// DedupPerGroup makes deduplication ids of different groups different.
	DedupPerGroup bool `json:"dedup_per_group,omitempty"`
	// Delay is that of messages which bring none.
	Delay time.Duration `json:"delay,omitempty"`
	// Visibility is the visibility timeout of receives that name none.
	Visibility time.Duration `json:"visibility,omitempty"`
	// Retention is the age at which messages are dropped; 0 is RetentionDefault.
	Retention time.Duration `json:"retention,omitempty"`
	// MaxReceives is after how many receives a message goes to DeadLetter instead of
	// to a receiver; 0 is never. While DeadLetter does not exist it stays.
	MaxReceives int  `json:"max_receives,omitempty"`
	DeadLetter  Name `json:"dead_letter,omitzero"`
	// Meta is kept for the queue's user and has no meaning here.
	Meta []byte `json:"meta,omitempty"`
}

func (s *Settings) retention() time.Duration {
	if s.Retention > 0 {
		return s.Retention
	}
	return RetentionDefault
}

// Attribute is one attribute of a message.
type Attribute struct {
	Type  string `json:"t,omitempty"` // as SQS has it: "String", "Number", "Binary", …
	Value []byte `json:"v"`
}

// Outgoing is a message to be sent. Its slices are not kept after Send.
type Outgoing struct {
	Body       []byte
	Attributes map[string]Attribute
	// Delay keeps the message back; nil takes the queue's.
	Delay *time.Duration
	// Group and DedupID are of FIFO queues; a message without a DedupID is never
	// taken for a duplicate.
	Group   string
	DedupID string
}

// Sent says how a message was stored.
type Sent struct {
	ID string // UUID
	// Sequence grows with every message of the engine.
	Sequence int64
	// Duplicate says that the message's DedupID was sent before, within DedupWindow;
	// ID and Sequence are then those of the message that was kept.
	Duplicate bool
}

// Message is a message as a receiver gets it.
type Message struct {
	ID            string
	Sequence      int64
	Receipt       string // what Delete, ChangeVisibility and Return ask for
	Body          []byte
	Attributes    map[string]Attribute
	Group         string
	Sent          time.Time
	FirstReceived time.Time
	Receives      int // counting this one
	// Origin is the queue that the message was taken from when it was moved to this
	// dead-letter queue; the zero value otherwise.
	Origin Name
}

// Counts are the messages of a queue, to the second.
type Counts struct {
	Visible  int
	InFlight int
	Delayed  int
}
