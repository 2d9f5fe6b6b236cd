package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

const (
	// receivesMax bounds maxReceiveCount (API reference, SetQueueAttributes).
	receivesMax = 1000
	// allowedSourcesMax bounds the list of a redrive allow policy (same place).
	allowedSourcesMax = 10
)

// redrivePolicy is the attribute RedrivePolicy. Marshalled it is what is read back.
type redrivePolicy struct {
	Target      string `json:"deadLetterTargetArn"`
	MaxReceives int    `json:"maxReceiveCount"`

	target queue.Name
}

// parseRedrive reads the attribute RedrivePolicy; the reason says what is wrong.
func parseRedrive(text string) (p *redrivePolicy, reason string) {
	members, ok := parseObject(text)
	if !ok {
		return nil, "Amazon SQS can't create the redrive policy, as it’s in an unsupported format."
	}
	p = &redrivePolicy{}
	for name, value := range members {
		switch name {
		case "deadLetterTargetArn":
			if json.Unmarshal(value, &p.Target) != nil {
				return nil, "Invalid value for deadLetterTargetArn."
			}
		case "maxReceiveCount":
			digits := string(bytes.Trim(value, `"`)) // AWS takes both a number and a text
			n, err := strconv.Atoi(digits)
			if err != nil || n < 1 || n > receivesMax {
				return nil, "Invalid value for maxReceiveCount: " + digits + ", valid values are from 1 to 1000 both inclusive."
			}
			p.MaxReceives = n
		default:
			return nil, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."
		}
	}
	switch {
	case p.MaxReceives == 0:
		return nil, "Redrive policy does not contain mandatory attribute: maxReceiveCount."
	case p.Target == "":
		return nil, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
	}
	if p.target, ok = parseARN(p.Target); !ok {
		return nil, "Invalid value for deadLetterTargetArn."
	}
	return p, ""
}

// parseObject reads one JSON object and nothing after it.
func parseObject(text string) (map[string]json.RawMessage, bool) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	var members map[string]json.RawMessage
	if err := dec.Decode(&members); err != nil || members == nil {
		return nil, false
	}
	_, err := dec.Token()
	return members, errors.Is(err, io.EOF)
}

// checkRedrive checks the redrive policy of a queue against its dead-letter queue and
// returns it as it is read back.
func (s *Service) checkRedrive(e *entry, text string) (string, error) {
	fail := func(reason string) error {
		return badParameter(text, string(types.QueueAttributeNameRedrivePolicy), reason)
	}
	p, reason := parseRedrive(text)
	if reason != "" {
		return "", fail(reason)
	}
	if p.target.Account != e.name.Account {
		return "", fail("Dead-letter queue owner should be same as the source.")
	}
	if p.target.Region != e.name.Region {
		return "", fail("Dead-letter queue must be in same region as the source.")
	}
	dead, ok := s.find(p.target)
	if !ok {
		return "", fail("Dead letter target does not exist.")
	}
	if dead.fifo != e.fifo {
		return "", fail("Dead-letter queue must be same type of queue as the source.")
	}
	if !dead.allows.permit(e.arn) {
		return "", fail("The dead-letter queue's redrive allow policy does not permit this source queue.")
	}
	b, err := json.Marshal(p)
	return string(b), err
}

// The permissions of a redrive allow policy.
const (
	permitAll    = "allowAll"
	permitNone   = "denyAll"
	permitListed = "byQueue"
)

// redriveAllow is the attribute RedriveAllowPolicy; the zero value allows all.
type redriveAllow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

// permit says whether a queue may use this one for its dead letters.
func (a redriveAllow) permit(arn string) bool {
	switch a.Permission {
	case permitNone:
		return false
	case permitListed:
		return slices.Contains(a.Sources, arn)
	}
	return true
}

// parseAllow reads the attribute RedriveAllowPolicy; the reason says what is wrong.
func parseAllow(text string) (a redriveAllow, reason string) {
	if text == "" {
		return a, ""
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return redriveAllow{}, "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return redriveAllow{}, "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."
	}
	switch a.Permission {
	case permitAll, permitNone:
		if len(a.Sources) > 0 {
			return redriveAllow{}, "sourceQueueArns can be specified only when redrivePermission is set to byQueue."
		}
	case permitListed:
		if len(a.Sources) == 0 {
			return redriveAllow{}, "redrivePermission is set to byQueue, but sourceQueueArns is missing."
		}
		if len(a.Sources) > allowedSourcesMax {
			return redriveAllow{}, "sourceQueueArns can have at most 10 ARNs."
		}
		for _, arn := range a.Sources {
			if _, ok := parseARN(arn); !ok {
				return redriveAllow{}, "Invalid value for sourceQueueArns."
			}
		}
	default:
		return redriveAllow{}, "Invalid value for redrivePermission."
	}
	return a, ""
}

func checkAllow(text string) error {
	if _, reason := parseAllow(text); reason != "" {
		return badParameter(text, string(types.QueueAttributeNameRedriveAllowPolicy), reason)
	}
	return nil
}

// sourcesOf are the queues whose dead letters go to a queue, by name.
func (s *Service) sourcesOf(name queue.Name) []*entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []*entry
	for _, e := range s.queues {
		if e.redrive != nil && e.redrive.target == name {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, byName)
	return out
}

// errNotOwn refuses what only the owner of a queue may do, whatever its policy says.
func errNotOwn(url string) error {
	return lambda.Errorf(lambda.CodeAccessDenied, "Access to the resource %s is denied.", url)
}
