// Command bootstrap is a custom runtime for the worker's tests: it does what the
// event's "do" says and answers how often it has been invoked.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	N    int    `json:"n"`
	Then string `json:"then"` // what follows the text of a stream
}

var invokes int

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"
	switch os.Getenv("INIT") {
	case "exit":
		os.Exit(3)
	case "error":
		post(base+"init/error", "Runtime.Broken", `{"errorMessage":"broken","errorType":"Broken"}`)
		os.Exit(1)
	case "hang":
		select {}
	}
	for {
		resp, err := http.Get(base + "invocation/next")
		if err != nil {
			os.Exit(9)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		var e event
		_ = json.Unmarshal(body, &e)
		invokes++
		if e.Do == "stream" {
			stream("/2018-06-01/runtime/invocation/"+id+"/response", e)
			continue
		}
		if failure := do(e); failure != "" {
			post(base+"invocation/"+id+"/error", "Function.Failed", failure)
			continue
		}
		post(base+"invocation/"+id+"/response", "", string(answer()))
	}
}

func answer() []byte {
	b, _ := json.Marshal(map[string]any{"invokes": invokes, "pid": os.Getpid(), "files": tmpFiles()})
	return b
}

func do(e event) (failure string) {
	switch e.Do {
	case "print":
		fmt.Print(e.Text)
	case "fail":
		return `{"errorMessage":"as asked","errorType":"Failed"}`
	case "exit":
		os.Exit(e.N)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hang":
		_ = exec.Command("/bin/sleep", "1000").Start()
		select {}
	case "sleep":
		time.Sleep(time.Duration(e.N) * time.Millisecond)
	case "write":
		_ = os.WriteFile(filepath.Join(tmp(), e.Text), []byte("x"), 0o600)
	case "exit later":
		go func() {
			time.Sleep(20 * time.Millisecond)
			os.Exit(0)
		}()
	}
	return ""
}

func tmp() string {
	if d := os.Getenv("TMPDIR"); d != "" {
		return d
	}
	return "/tmp"
}

func tmpFiles() []string {
	entries, _ := os.ReadDir(tmp())
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// stream posts the event's text as a chunk, does what follows, if anything, once the
// test has made the file "seen", and ends the response.
func stream(path string, e event) {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		os.Exit(8)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", path, len(e.Text), e.Text)
	for e.Then != "" && !slices.Contains(tmpFiles(), "seen") {
		time.Sleep(time.Millisecond)
	}
	do(event{Do: e.Then, N: e.N})
	fmt.Fprint(conn, "0\r\n\r\n")
	_, _ = bufio.NewReader(conn).ReadString('\n')
}

func post(url, errorType, body string) {
	req, _ := http.NewRequest(http.MethodPost, url, bytes.NewBufferString(body))
	if errorType != "" {
		req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
}
