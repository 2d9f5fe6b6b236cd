package sqs

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/hearthfaas/hearth/internal/lambda"
	"github.com/hearthfaas/hearth/internal/queue"
)

// queueNameMax is the most characters of a queue's name, the suffix of FIFO queues
// included (API reference, CreateQueue).
const queueNameMax = 80

const fifoSuffix = ".fifo"

var (
	queueNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	accountPattern   = regexp.MustCompile(`^[0-9]{12}$`)
)

// checkName says whether a queue may have a name.
func checkName(name string, fifo bool) error {
	if fifo {
		base, ok := strings.CutSuffix(name, fifoSuffix)
		if !ok || len(name) > queueNameMax || !queueNamePattern.MatchString(base) {
			return invalidValue("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
		}
		return nil
	}
	if len(name) > queueNameMax || !queueNamePattern.MatchString(name) {
		return invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

func arnOf(n queue.Name) string { return "arn:aws:sqs:" + n.Region + ":" + n.Account + ":" + n.Name }

// parseARN takes apart arn:aws:sqs:REGION:ACCOUNT:NAME. Every request comes by here,
// so it makes no garbage.
func parseARN(arn string) (queue.Name, bool) {
	n := queue.Name{Kind: kind}
	rest, ok := strings.CutPrefix(arn, "arn:aws:sqs:")
	if !ok {
		return n, false
	}
	n.Region, rest, _ = strings.Cut(rest, ":")
	n.Account, n.Name, ok = strings.Cut(rest, ":")
	return n, ok && n.Region != "" && n.Account != "" && n.Name != "" && !strings.Contains(n.Name, ":")
}

// urlOf is a queue's URL at the address by which the caller reached Hearth.
func urlOf(c lambda.Caller, n queue.Name) *string {
	return aws.String(c.BaseURL + "/" + n.Account + "/" + n.Name)
}

// parseURL finds the queue that a URL means to a caller: the last two parts of its
// path are account and name. Which host it names does not matter, as AWS has had
// several for each region and other tools have theirs; the region is the one that the
// request was signed for. A bare name is a queue of the caller's own.
func parseURL(c lambda.Caller, url string) (queue.Name, bool) {
	n := queue.Name{Account: c.Account, Region: c.Region, Kind: kind}
	path, bare := url, true
	if _, rest, ok := strings.Cut(url, "://"); ok {
		_, path, ok = strings.Cut(rest, "/")
		if !ok {
			return n, false
		}
		bare = false
	}
	path = strings.Trim(path, "/")
	before, name, ok := cutLast(path)
	if !ok {
		n.Name = path
		return n, bare && path != ""
	}
	_, account, ok := cutLast(before)
	if !ok {
		account = before
	}
	n.Account, n.Name = account, name
	return n, accountPattern.MatchString(account) && name != ""
}

// cutLast cuts a path before its last part.
func cutLast(path string) (before, last string, ok bool) {
	at := strings.LastIndexByte(path, '/')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}

// resource is the ARN that authorization asks about for a queue's URL.
func resource(c lambda.Caller, url *string) string {
	n, ok := parseURL(c, aws.ToString(url))
	if !ok {
		return ""
	}
	return arnOf(n)
}
