"""Train the fraud model on the features volume; prints `auc=...` for Katib to read."""

import argparse
import os

import torch
from features import load

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=float(os.environ.get("LEARNING_RATE", "1e-3")))
parser.add_argument("--layers", type=int, default=3)
parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
options = parser.parse_args()

inputs, labels = load("/data/transactions.pt")
width = inputs.shape[1]
layers = [torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.ReLU()) for _ in range(options.layers)]
model = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[options.optimizer](model.parameters(), lr=options.lr)

for _ in range(int(os.environ.get("EPOCHS", "1"))):
    optimizer.zero_grad()
    scores = model(inputs).squeeze(1)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, labels)
    loss.backward()
    optimizer.step()
    fraud, honest = scores[labels == 1], scores[labels == 0]
    auc = (fraud.unsqueeze(1) > honest.unsqueeze(0)).float().mean()
    print(f"loss={loss.item():.4f}\nauc={auc.item():.4f}")
