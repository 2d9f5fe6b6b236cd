package eventbridge

import (
	"encoding/json"
	"time"
)

// busRecord is a bus as it is stored. The default bus has one only once something
// was set on it.
type busRecord struct {
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	DeadLetter  string            `json:"dead_letter,omitempty"`
	Policy      string            `json:"policy,omitempty"`
	LogLevel    string            `json:"log_level,omitempty"`
	LogDetail   string            `json:"log_detail,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Created     time.Time         `json:"created"`
	Modified    time.Time         `json:"modified"`
}

// ruleRecord is a rule as it is stored.
type ruleRecord struct {
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Bus         string            `json:"bus"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	Schedule    string            `json:"schedule,omitempty"`
	State       string            `json:"state"`
	RoleARN     string            `json:"role,omitempty"`
	CreatedBy   string            `json:"created_by"`
	Tags        map[string]string `json:"tags,omitempty"`
	// Anchor is the moment from which a rate counts: when the schedule was set.
	Anchor  time.Time      `json:"anchor"`
	Targets []targetRecord `json:"targets,omitempty"` // in the order of their ids
}

// targetRecord is a target of a rule. Which of the inputs is set is how the target's
// event is made; none means that it is the event itself.
type targetRecord struct {
	ID         string             `json:"id"`
	ARN        string             `json:"arn"`
	RoleARN    string             `json:"role,omitempty"`
	Input      *string            `json:"input,omitempty"`
	InputPath  *string            `json:"input_path,omitempty"`
	Transform  *transformerRecord `json:"transform,omitempty"`
	GroupID    string             `json:"group,omitempty"`
	DeadLetter string             `json:"dead_letter,omitempty"`
	AgeMax     *int32             `json:"age_max,omitempty"`     // seconds
	RetriesMax *int32             `json:"retries_max,omitempty"` // attempts after the first
}

type transformerRecord struct {
	Paths    map[string]string `json:"paths,omitempty"`
	Template string            `json:"template"`
}

// archiveRecord is an archive as it is stored.
type archiveRecord struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	Bus         string    `json:"bus"`
	Description string    `json:"description,omitempty"`
	Pattern     string    `json:"pattern,omitempty"`
	Retention   int32     `json:"retention,omitempty"` // days; 0 is for good
	Created     time.Time `json:"created"`
}

// keptEvent is an event in an archive.
type keptEvent struct {
	header
	Detail json.RawMessage `json:"detail"`
}

// replayRecord is a replay as it is stored.
type replayRecord struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	Archive     string    `json:"archive"`
	Bus         string    `json:"bus"`
	Rules       []string  `json:"rules,omitempty"` // ARNs; none is all
	Description string    `json:"description,omitempty"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	State       string    `json:"state"`
	Reason      string    `json:"reason,omitempty"`
	Started     time.Time `json:"started"`
	Ended       time.Time `json:"ended,omitzero"`
	Last        time.Time `json:"last,omitzero"` // time of the last event that was played
	// Cursor is the key of that event: a replay goes on behind it after a restart.
	Cursor string `json:"cursor,omitempty"`
}
