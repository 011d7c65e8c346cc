package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
)

const (
	base   = "urn:ietf:params:xml:ns:netconf:base:1.0"
	hello  = `<hello xmlns="` + base + `"><capabilities><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>]]>]]>`
	marker = "]]>]]>"
)

// session is one NETCONF session of base:1.1, with one rpc at a time.
type session struct {
	mu     sync.Mutex
	out    io.Writer
	in     *bufio.Reader
	lastID int
}

// openSession exchanges hellos.
func openSession(out io.Writer, in io.Reader) (*session, error) {
	s := &session{out: out, in: bufio.NewReader(in)}
	if _, err := io.WriteString(out, hello); err != nil {
		return nil, err
	}
	var message []byte
	for !bytes.HasSuffix(message, []byte(marker)) {
		part, err := s.in.ReadSlice('>')
		if err != nil {
			return nil, err
		}
		message = append(message, part...)
	}
	var theirs struct {
		XMLName      xml.Name `xml:"urn:ietf:params:xml:ns:netconf:base:1.0 hello"`
		Capabilities []string `xml:"capabilities>capability"`
		SessionID    uint32   `xml:"session-id"`
	}
	if err := xml.Unmarshal(bytes.TrimSuffix(message, []byte(marker)), &theirs); err != nil {
		return nil, err
	}
	for _, capability := range theirs.Capabilities {
		if capability == "urn:ietf:params:netconf:base:1.1" {
			return s, nil
		}
	}
	return nil, errors.New("the device does not speak base:1.1")
}

// rpc sends one operation and reads its reply, which it looks through for errors; it returns the reply's bytes.
func (s *session) rpc(operation string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	message := fmt.Sprintf(`<rpc xmlns="%s" message-id="%d">%s</rpc>`, base, s.lastID, operation)
	if _, err := fmt.Fprintf(s.out, "\n#%d\n%s\n##\n", len(message), message); err != nil {
		return 0, err
	}
	reply := &chunks{in: s.in}
	if err := checkReply(reply, strconv.Itoa(s.lastID)); err != nil {
		return 0, err
	}
	return reply.bytes, nil
}

// checkReply reads a whole <rpc-reply>.
func checkReply(reply io.Reader, id string) error {
	decoder := xml.NewDecoder(reply)
	depth := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch element := token.(type) {
		case xml.StartElement:
			if depth == 0 && (element.Name.Local != "rpc-reply" || attribute(element, "message-id") != id) {
				return errors.New("that is not the reply")
			}
			if depth == 1 && element.Name.Local == "rpc-error" {
				return errors.New("the device answered with an error")
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

func attribute(element xml.StartElement, name string) string {
	for _, attr := range element.Attr {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

// chunks reads one message of the chunked framing (RFC 6242 §4.2).
type chunks struct {
	in    *bufio.Reader
	left  int64
	bytes int64
	ended bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.header(); err != nil {
			return 0, err
		}
		if c.ended {
			return 0, io.EOF
		}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.in.Read(p)
	c.left -= int64(n)
	c.bytes += int64(n)
	return n, err
}

// header reads LF HASH and the size, or the end of chunks.
func (c *chunks) header() error {
	if lf, err := c.in.ReadByte(); err != nil || lf != '\n' {
		return fmt.Errorf("a chunk must start with LF: %v", err)
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if string(line) == "##\n" {
		c.ended = true
		return nil
	}
	if line[0] != '#' {
		return errors.New("a chunk must start with #")
	}
	c.left, err = strconv.ParseInt(string(line[1:len(line)-1]), 10, 64)
	return err
}
