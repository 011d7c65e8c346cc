// Both ends of Call Home, made of golang.org/x/crypto/ssh. As NMS it waits for one device, and joins its standard input
// and output to the `netconf` subsystem there; as device it calls once, and answers `netconf` with a command.
//
// The port is told on standard error.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"

	"golang.org/x/crypto/ssh"
)

var (
	port        = flag.Int("port", 0, "where a device calls; an NMS has none")
	keyFile     = flag.String("key-file", "", "the private key: the NMS's own, or the device's host key")
	peerKey     = flag.String("peer-key", "", "the other end's public key: a line")
	user        = flag.String("user", "", "whom the NMS logs in as")
	password    = flag.String("password", "", "the NMS's password")
	interactive = flag.Bool("interactive", false, "the NMS has keyboard-interactive before its password")
	rekeyBytes  = flag.Uint64("rekey-bytes", 0, "when keys are exchanged again")
)

func main() {
	flag.Parse()
	known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*peerKey))
	check(err)
	if *port == 0 {
		manage(known)
	} else {
		callHome(known)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func key() ssh.Signer {
	text, err := os.ReadFile(*keyFile)
	check(err)
	signer, err := ssh.ParsePrivateKey(text)
	check(err)
	return signer
}

func manage(hostKey ssh.PublicKey) {
	config := &ssh.ClientConfig{User: *user, HostKeyCallback: ssh.FixedHostKey(hostKey)}
	config.RekeyThreshold = *rekeyBytes
	if *keyFile != "" {
		config.Auth = append(config.Auth, ssh.PublicKeys(key()))
	}
	if *interactive {
		refuse := func(_, _ string, questions []string, _ []bool) ([]string, error) {
			return make([]string, len(questions)), nil
		}
		config.Auth = append(config.Auth, ssh.KeyboardInteractive(refuse))
	}
	if *password != "" {
		config.Auth = append(config.Auth, ssh.Password(*password))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Fprintf(os.Stderr, "listening on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	socket, err := listener.Accept()
	check(err)
	connection, channels, requests, err := ssh.NewClientConn(socket, "device", config)
	check(err)
	session, err := ssh.NewClient(connection, channels, requests).NewSession()
	check(err)
	in, err := session.StdinPipe()
	check(err)
	out, err := session.StdoutPipe()
	check(err)
	check(session.RequestSubsystem("netconf"))
	go func() {
		io.Copy(in, os.Stdin)
		in.Close()
	}()
	_, err = io.Copy(os.Stdout, out)
	check(err)
}

func callHome(authorized ssh.PublicKey) {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
			if string(offered.Marshal()) != string(authorized.Marshal()) {
				return nil, fmt.Errorf("the key %s is not authorized", ssh.FingerprintSHA256(offered))
			}
			return nil, nil
		},
	}
	config.RekeyThreshold = *rekeyBytes
	config.AddHostKey(key())
	socket, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	check(err)
	_, channels, requests, err := ssh.NewServerConn(socket, config)
	check(err)
	go ssh.DiscardRequests(requests)
	for opening := range channels {
		channel, requests, err := opening.Accept()
		check(err)
		go answer(channel, requests)
	}
}

// answer joins a session to the command.
func answer(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		var subsystem struct{ Name string }
		asked := request.Type == "subsystem" && ssh.Unmarshal(request.Payload, &subsystem) == nil
		good := asked && subsystem.Name == "netconf"
		if request.WantReply {
			check(request.Reply(good, nil))
		}
		if !good {
			continue
		}
		command := exec.Command(flag.Arg(0), flag.Args()[1:]...)
		command.Stdin = channel
		command.Stdout = channel
		go func() {
			if err := command.Run(); err != nil {
				log.Print(err)
			}
			channel.Close()
		}()
	}
}
