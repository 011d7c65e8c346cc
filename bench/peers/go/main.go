// An NMS made of golang.org/x/crypto/ssh: a goroutine for each device that calls.
//
// It tells on standard output, a line of JSON each, where it listens and what it did of what it was told on standard
// input.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// nms knows the devices by their host keys, and holds the sessions of those that have called.
type nms struct {
	signer    ssh.Signer
	deviceOf  map[string]int
	keepalive time.Duration

	mu          sync.Mutex
	established *sync.Cond
	sessions    map[int]*session
}

func main() {
	keyFile := flag.String("key-file", "", "the private key to log in with")
	hostKeys := flag.String("host-keys", "", "a file with the devices' public host keys")
	keepalive := flag.Int("keepalive", 30, "seconds")
	flag.Parse()

	key, err := os.ReadFile(*keyFile)
	check(err)
	signer, err := ssh.ParsePrivateKey(key)
	check(err)
	known, err := os.ReadFile(*hostKeys)
	check(err)
	n := &nms{
		signer:    signer,
		deviceOf:  make(map[string]int),
		keepalive: time.Duration(*keepalive) * time.Second,
		sessions:  make(map[int]*session),
	}
	n.established = sync.NewCond(&n.mu)
	for rest := known; len(bytes.TrimSpace(rest)) > 0; {
		var public ssh.PublicKey
		public, _, _, rest, err = ssh.ParseAuthorizedKey(rest)
		check(err)
		n.deviceOf[string(public.Marshal())] = len(n.deviceOf)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go n.accept(listener)
	say(map[string]any{"port": listener.Addr().(*net.TCPAddr).Port})
	n.obey()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func say(told map[string]any) {
	check(json.NewEncoder(os.Stdout).Encode(told))
}

func (n *nms) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		check(err)
		go func() {
			if err := n.manage(conn); err != nil {
				log.Print(err)
				conn.Close()
			}
		}()
	}
}

// manage takes a call from its socket to a NETCONF session.
func (n *nms) manage(conn net.Conn) error {
	device := 0
	config := &ssh.ClientConfig{
		User:              "callhome",
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(n.signer)},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			var known bool
			if device, known = n.deviceOf[string(key.Marshal())]; !known {
				return errors.New("an unknown device")
			}
			return nil
		},
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	sshConn, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), config)
	if err != nil {
		return err
	}
	client := ssh.NewClient(sshConn, channels, requests)
	channel, err := client.NewSession()
	if err != nil {
		return err
	}
	out, err := channel.StdinPipe()
	if err != nil {
		return err
	}
	in, err := channel.StdoutPipe()
	if err != nil {
		return err
	}
	if err := channel.RequestSubsystem("netconf"); err != nil {
		return err
	}
	opened, err := openSession(out, in)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	n.mu.Lock()
	n.sessions[device] = opened
	n.mu.Unlock()
	n.established.Broadcast()
	go n.keepAlive(client)
	return nil
}

// keepAlive probes a device until its connection is gone.
func (n *nms) keepAlive(client *ssh.Client) {
	ticker := time.NewTicker(n.keepalive)
	defer ticker.Stop()
	for range ticker.C {
		if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			client.Close()
			return
		}
	}
}

type command struct {
	Do       string  `json:"do"`
	Count    int     `json:"count"`
	Sessions int     `json:"sessions"`
	Seconds  float64 `json:"seconds"`
}

// obey carries out the commands on standard input, one after the other.
func (n *nms) obey() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var told command
		check(json.Unmarshal(lines.Bytes(), &told))
		answer, err := n.carryOut(told)
		if err != nil {
			answer = map[string]any{"failed": err.Error()}
		}
		say(answer)
	}
}

func (n *nms) carryOut(told command) (map[string]any, error) {
	start := time.Now()
	switch told.Do {
	case "sessions":
		n.mu.Lock()
		for len(n.sessions) < told.Count {
			n.established.Wait()
		}
		n.mu.Unlock()
		return map[string]any{"sessions": told.Count}, nil
	case "rpcs":
		rpcs, err := n.sendRPCs(told.Sessions, start.Add(time.Duration(told.Seconds*float64(time.Second))))
		return map[string]any{"rpcs": rpcs, "seconds": time.Since(start).Seconds()}, err
	case "reply":
		size, err := n.session(0).rpc("<get-config><source><running/></source></get-config>")
		return map[string]any{"bytes": size, "seconds": time.Since(start).Seconds()}, err
	}
	return nil, errors.New("no such command")
}

func (n *nms) session(device int) *session {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sessions[device]
}

// sendRPCs sends rpcs one after the other on each of the first sessions, until the time is over.
func (n *nms) sendRPCs(sessions int, end time.Time) (int64, error) {
	var rpcs atomic.Int64
	failed := make(chan error, sessions)
	for device := 0; device < sessions; device++ {
		session := n.session(device)
		go func() {
			var err error
			for err == nil && time.Now().Before(end) {
				_, err = session.rpc("<get/>")
				rpcs.Add(1)
			}
			failed <- err
		}()
	}
	for device := 0; device < sessions; device++ {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	return rpcs.Load(), nil
}
