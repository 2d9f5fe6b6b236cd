package controlplane

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// layerID names a layer within one node, as a function's id names a function.
type layerID lambda.FunctionID

func (l layerID) home() home { return home{l.Account, l.Region} }

// key orders layers by account, region and name.
func (l layerID) key() string { return functionKey(lambda.FunctionID(l)) }

// versionKey pads the number, so that key order is number order.
func (l layerID) versionKey(n int64) string { return l.key() + "/" + fmt.Sprintf("%020d", n) }

// arn is the layer's ARN, without a version.
func (l layerID) arn() string {
	return "arn:aws:lambda:" + l.Region + ":" + l.Account + ":layer:" + l.Name
}

func (l layerID) versionARN(n int64) string { return l.arn() + ":" + strconv.FormatInt(n, 10) }

// layerRecord is what outlives a layer's versions: the highest number ever given,
// so that none is given twice.
type layerRecord struct {
	LastVersion int64 `json:"last_version"`
}

// layerVersionRecord is one version of a layer. But for its policy it never changes.
type layerVersionRecord struct {
	Code          packageRecord `json:"code"`
	Description   string        `json:"description"`
	License       string        `json:"license,omitempty"`
	Runtimes      []string      `json:"runtimes,omitempty"`
	Architectures []string      `json:"architectures,omitempty"`
	Created       time.Time     `json:"created"`
	Policy        policyRecord  `json:"policy"`
	// PolicyRevision is the policy's RevisionId, empty while there is no policy.
	PolicyRevision string `json:"policy_revision,omitempty"`
}

// layerRef is a layer version as a function's configuration refers to it. It has all
// that running the function needs: a layer version that is deleted goes on working
// for the functions that have it.
type layerRef struct {
	ARN          string            `json:"arn"`
	Digest       lambda.CodeDigest `json:"digest"`
	Size         int64             `json:"size"`
	UnpackedSize int64             `json:"unpacked_size"`
}
